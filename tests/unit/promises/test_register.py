"""What the contract makes due in a month, and what the evidence says of it."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsctl.core.errors import UsageError
from opsctl.promises.evidence import Evidence
from opsctl.promises.model import Item, Word, by_promise, gravest
from opsctl.promises.month import Month, parse
from opsctl.promises.view import View
from tests.unit.promises.register_values import (
    LATER,
    OCTOBER,
    ZONE,
    at,
    backup,
    every_day,
    evidence,
    items,
    kept,
    profile,
    view,
)

DAYS = list(OCTOBER.days())


def test_every_day_with_its_backup_is_kept_and_names_its_evidence() -> None:
    found = kept(view(evidence(*every_day(DAYS))))["P16"]
    assert (found.word, found.figures) == (Word.KEPT, "31 kept")
    assert [item.day for item in found.items] == DAYS
    assert all(item.evidence for item in found.items)


def test_a_day_without_a_backup_is_broken_and_says_what_the_last_try_said() -> None:
    failed = ("backup.failed", at(DAYS[4], 3), {"database": "ready", "reason": "the disk is full"})
    found = items(view(evidence(*every_day(set(DAYS) - {DAYS[4]}), failed)), "P16")
    assert [item.day for item in found if item.word is Word.BROKEN] == [DAYS[4]]
    assert "the disk is full" in found[4].detail
    assert found[4].evidence


def test_a_backup_found_damaged_keeps_no_day_until_it_is_found_whole() -> None:
    name = f"{DAYS[4]:%Y%m%d}-ready"
    damaged = ("backup.damaged", at(DAYS[6]), {"backup_id": name})
    whole = ("backup.verified", at(DAYS[7]), {"backup_id": name})
    assert items(view(evidence(*every_day(DAYS), damaged)), "P16")[4].word is Word.BROKEN
    assert items(view(evidence(*every_day(DAYS), damaged, whole)), "P16")[4].word is Word.KEPT


def test_one_database_of_two_is_not_a_full_backup() -> None:
    found = view(evidence(backup(date(2026, 9, 30), "billing"), backup(DAYS[0]), backup(DAYS[1]),
                          backup(DAYS[1], "billing")))
    both = replace(found, profile=profile().model_copy(update={
        "databases": (profile().databases[0],  # type: ignore[union-attr]
                      profile().databases[0].model_copy(update={"name": "billing"}))}))  # type: ignore[union-attr]
    words = [item.word for item in items(both, "P16")][:2]
    assert words == [Word.BROKEN, Word.KEPT]


def test_a_backup_that_ended_after_midnight_counts_for_the_day_it_began_and_says_so() -> None:
    late = backup(DAYS[0], finished=at(DAYS[1], 1).isoformat())
    found = items(view(evidence(late, *every_day(DAYS[1:]))), "P16")
    assert found[0].word is Word.KEPT
    assert "finished only at" in found[0].detail


def test_today_is_not_due_and_days_to_come_neither() -> None:
    words = [item.word for item in items(view(evidence(*every_day(DAYS[:9])), now=at(DAYS[10], 1)), "P16")]
    assert words == [Word.KEPT] * 9 + [Word.BROKEN] + [Word.NOT_DUE] * 21


def test_before_the_records_begin_nothing_is_known() -> None:
    found = items(view(evidence(*every_day(DAYS[12:]), since=DAYS[10])), "P16")
    assert [item.word for item in found[:13]] == [Word.UNKNOWN] * 11 + [Word.BROKEN] + [Word.KEPT]
    assert all(item.word is Word.UNKNOWN for item in items(view(Evidence(())), "P16"))


def test_where_entries_are_damaged_a_day_without_evidence_is_unknown() -> None:
    sound = evidence(*every_day(set(DAYS) - {DAYS[4], DAYS[20]}))
    found = items(view(replace(sound, gaps=((at(DAYS[4]), at(DAYS[5])),))), "P16")
    assert (found[4].word, found[20].word) == (Word.UNKNOWN, Word.BROKEN)


def test_last_month_is_judged_by_last_month_s_contract() -> None:
    march = kept(view(evidence(), Month(2025, 3), at(date(2025, 5, 1)), "birkeby"))
    assert march["P26"].word is Word.NOT_COVERED
    assert "P16" not in march
    april = kept(view(evidence(since=date(2025, 1, 1)), Month(2025, 4), at(date(2025, 5, 1)), "birkeby"))
    assert "P26" not in april
    assert april["P16"].figures == "30 broken"


def test_a_month_in_which_the_hosting_changed_has_both() -> None:
    moved = profile("birkeby").model_copy(update={"hosting_from": date(2025, 4, 11)})
    found = replace(view(evidence(since=date(2025, 1, 1)), Month(2025, 4), at(date(2025, 5, 1)), "birkeby"),
                    profile=moved)
    both = kept(found)
    assert both["P26"].items[0].detail.startswith("2025-04-01 to 2025-04-10")
    assert both["P16"].figures == "20 broken"


@pytest.mark.parametrize(("month", "words"), [(Month(2027, 1), "has not begun"),
                                             (Month(2019, 1), "has a contract since")])
def test_months_that_cannot_be_judged(month: Month, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        kept(view(evidence(), month))


@pytest.mark.parametrize("text", ["2026", "2026-13", "2026-1", "26-10", "2026-10-01", "0001-01", ""])
def test_what_is_no_month(text: str) -> None:
    with pytest.raises(UsageError):
        parse(text)


def test_a_removal_before_thirty_days_breaks_the_promise() -> None:
    def removed(day: date) -> tuple[str, datetime, dict[str, Any]]:
        return ("backup.removed", at(day, 5), {"backup_id": f"{DAYS[0]:%Y%m%d}-ready", "database": "ready"})

    assert items(view(evidence(*every_day(DAYS), removed(DAYS[29]))), "P17")[0].word is Word.BROKEN
    found = items(view(evidence(*every_day(DAYS), removed(DAYS[30]))), "P17")[0]
    assert (found.word, len(found.evidence)) == (Word.KEPT, 2)
    unknown = ("backup.removed", at(DAYS[3]), {"backup_id": "x", "database": "ready"})
    assert items(view(evidence(unknown)), "P17")[0].word is Word.UNKNOWN


@pytest.mark.parametrize(("level", "word"), [("ok", Word.KEPT), ("warning", Word.KEPT), ("critical", Word.BROKEN),
                                             ("unknown", Word.UNKNOWN)])
def test_storage_by_its_last_measurement_of_the_day(level: str, word: Word) -> None:
    def measured(hour: int, found: str) -> tuple[str, datetime, dict[str, Any]]:
        return ("storage.measured", at(DAYS[0], hour), {"level": found, "findings": [
            {"level": found, "what": "db1:/data", "reason": "why"}]})

    first = items(view(evidence(measured(2, "critical"), measured(9, level))), "P19")[0]
    assert (first.word, "why" in first.detail) == (word, level != "ok")


def test_platform_by_the_operator_s_cadence() -> None:
    def patched(day: date, status: str = "done") -> tuple[str, datetime, dict[str, Any]]:
        return ("run.finished", at(day), {"operation": "patch apply", "status": status, "summary": "no"})

    assert items(view(evidence()), "P10")[0].word is Word.UNKNOWN
    assert items(view(evidence(patched(DAYS[5]))), "P10")[0].word is Word.KEPT
    assert items(view(evidence(patched(date(2026, 9, 5)))), "P10")[0].word is Word.BROKEN
    assert items(view(evidence(patched(DAYS[5], "failed"))), "P10")[0].word is Word.UNKNOWN



def test_security_fixes_alone_do_not_bring_the_platform_up_to_date_where_updates_are_covered() -> None:
    def patched(day: date, purpose: str = "protection") -> tuple[str, datetime, dict[str, Any]]:
        return ("run.finished", at(day), {"operation": "patch apply", "status": "done", "summary": "patched: db1",
                                          "purpose": purpose})

    def word(*runs: Any, valid: tuple[date, date] = (date(2024, 1, 1), date(2029, 12, 31))) -> Item:
        agreement = profile().agreement
        assert agreement is not None
        found = profile().model_copy(update={"agreement": agreement.model_copy(
            update={"valid_from": valid[0], "valid_to": valid[1]})})
        return items(replace(view(evidence(*runs)), profile=found), "P10")[0]

    alone, full = patched(DAYS[20]), patched(date(2026, 9, 5), "new value")
    broken = word(full, alone)
    assert (broken.word, broken.detail) == (Word.BROKEN, "last 56 days ago, every 30 wanted")
    assert word(patched(DAYS[5], "new value"), alone).detail == "up to date 2026-10-06"
    never = word(alone)
    assert never.word is Word.UNKNOWN and "no good patch run of all updates is recorded" in never.detail
    ended = word(full, alone, valid=(date(2024, 1, 1), DAYS[25]))
    assert ended.word is Word.KEPT, "they are all that is covered since the agreement has ended"
    renewed = word(full, alone, valid=(DAYS[25], date(2029, 12, 31)))
    assert renewed.word is Word.KEPT, "they were all that was covered when they came"


NIGHT = st.sampled_from(["good", "failed", "nothing", "damaged"])


@settings(max_examples=60, deadline=None)
@given(nights=st.lists(NIGHT, min_size=31, max_size=31), until=st.integers(0, 40), begins=st.integers(-5, 35),
       gap=st.tuples(st.integers(0, 30), st.integers(0, 4)))
def test_kept_only_with_evidence_and_every_day_has_one_word(nights: list[str], until: int, begins: int,
                                                            gap: tuple[int, int]) -> None:
    now = at(DAYS[0] + timedelta(days=until), 12)
    since = DAYS[0] + timedelta(days=begins)
    told = [backup(day) for day, night in zip(DAYS, nights, strict=True)
            if night in {"good", "damaged"} and day >= since]
    told += [("backup.damaged", at(day, 4), {"backup_id": f"{day:%Y%m%d}-ready"})
             for day, night in zip(DAYS, nights, strict=True) if night == "damaged" and day >= since]
    told = [one for one in told if one[1] < now]
    hole = (at(DAYS[0] + timedelta(days=gap[0])), at(DAYS[0] + timedelta(days=sum(gap))))
    found = items(View(profile(), OCTOBER, replace(evidence(*told, since=since), gaps=(hole,) if gap[1] else ()), now),
                  "P16")
    assert [item.day for item in found] == DAYS
    for item, night in zip(found, nights, strict=True):
        assert item.day is not None
        good = night == "good" and item.day >= since and at(item.day) + timedelta(minutes=5) < now
        assert (item.word is Word.KEPT) == good
        assert not good or item.evidence
        if item.word is Word.BROKEN:
            assert item.day > since or (item.day == since)
            assert at(item.day + timedelta(days=1), 0) <= now


@given(words=st.lists(st.sampled_from(list(Word))))
def test_one_broken_is_broken_and_one_unknown_is_never_kept(words: list[Word]) -> None:
    found = gravest(words)
    assert (found is Word.BROKEN) == (Word.BROKEN in words)
    assert not (found is Word.KEPT and Word.UNKNOWN in words)


def test_no_promise_is_told_twice() -> None:
    numbers = [one.promise for one in by_promise(item for one in kept(view(evidence())).values()
                                                 for item in one.items)]
    assert numbers == sorted(set(numbers))


def test_the_months_of_a_zone_join_without_a_gap() -> None:
    month = Month(2026, 1)
    for _ in range(24):
        assert month.bounds(ZONE)[1] == month.following.bounds(ZONE)[0]
        assert month.following.before == month
        month = month.following
    assert LATER.month == 11


def test_network_checks_are_owed_from_the_first_on_record() -> None:
    def checked(day: date, level: str = "ok") -> tuple[str, datetime, dict[str, Any]]:
        return ("network.checked", at(day), {"level": level, "summary": "1 of 1 up"})

    found = items(view(evidence(checked(DAYS[3]), checked(DAYS[5], "critical"), checked(DAYS[6], "unknown"))), "P15")
    assert [item.word for item in found[:8]] == [Word.UNKNOWN] * 3 + [
        Word.KEPT, Word.BROKEN, Word.KEPT, Word.UNKNOWN, Word.BROKEN]
    assert items(view(evidence(), name="birkeby"), "P15")[0].word is Word.NO_EVENT


def test_a_day_whose_backup_got_no_second_copy_is_kept_and_says_so() -> None:
    """Aalund has a second store; before the first try to copy there was none, and nothing is said."""
    def tried(kind: str, day: date) -> tuple[str, datetime, dict[str, Any]]:
        return (kind, at(day, 3), {"backup_id": f"{day:%Y%m%d}-ready"})

    copies = [tried("backup.copy-failed", DAYS[4]), tried("backup.copied", DAYS[5])]
    found = items(view(evidence(*every_day(DAYS[:7]), *copies)), "P16")[:7]
    assert [(item.word, item.detail) for item in found[:6]] == [
        *[(Word.KEPT, "")] * 4, (Word.KEPT, "no second copy of ready"), (Word.KEPT, "")]
    assert "no second copy" in found[6].detail
    none = items(view(evidence(*every_day(DAYS[:7]), *copies), name="birkeby"), "P16")
    assert not any("copy" in item.detail for item in none)


@pytest.mark.parametrize(("licences", "word", "detail"), [
    (({"valid_to": date(2026, 10, 15)},), Word.BROKEN, "ended on 2026-10-15"),
    (({"valid_to": date(2026, 10, 15), "renewal": "automatic"},), Word.NO_EVENT,
     "renewed itself on 2026-10-15; the profile does not say until when"),
    (({"valid_to": date(2026, 12, 15), "renewal": "automatic"},), Word.NO_EVENT, "valid to 2026-12-15"),
    (({"valid_to": date(2026, 10, 15)}, {"valid_from": date(2026, 10, 16), "valid_to": date(2027, 10, 15)}),
     Word.NO_EVENT, "valid to 2027-10-15"),
    (({"valid_from": date(2026, 10, 16), "valid_to": date(2027, 10, 15)}, {"valid_to": date(2026, 10, 15)}),
     Word.NO_EVENT, "valid to 2027-10-15"),
    (({"valid_to": date(2026, 10, 15)}, {"valid_from": date(2026, 10, 20), "valid_to": date(2027, 10, 15)}),
     Word.BROKEN, "ended on 2026-10-15"),
    (({"valid_to": date(2026, 8, 15)}, {"valid_from": date(2026, 9, 20), "valid_to": date(2027, 10, 15)}),
     Word.NO_EVENT, "valid to 2027-10-15"),
    (({"valid_to": date(2026, 10, 15)}, {"valid_to": None}), Word.NO_EVENT, "perpetual")])
@pytest.mark.parametrize(("name", "promise"), [("aalund", "P14"), ("dalmose", "P24")])
def test_a_licence_that_was_renewed_or_followed_has_not_ended(licences: tuple[dict[str, Any], ...], word: Word,
                                                              detail: str, name: str, promise: str) -> None:
    one = profile().licences[0]
    renewed = profile(name).model_copy(update={"licences": tuple(one.model_copy(update=own) for own in licences)})
    (found,) = items(replace(view(evidence(), name=name), profile=renewed), promise)
    assert (found.word, found.detail) == (word, detail)


def test_a_licence_that_ends_today_has_not_ended() -> None:
    ending = profile().model_copy(update={"licences": (
        profile().licences[0].model_copy(update={"valid_to": DAYS[9]}),)})
    words = [items(replace(view(evidence(), now=at(day)), profile=ending), "P14")[0].word for day in DAYS[9:11]]
    assert words == [Word.NO_EVENT, Word.BROKEN]


def leaving(recorded: date, last: date) -> tuple[str, datetime, dict[str, Any]]:
    return ("customer.offboarding-started", at(recorded), {"last_day": last.isoformat(), "reason": "r"})


def test_days_after_the_customer_s_last_one_are_not_covered() -> None:
    patched = ("run.finished", at(date(2026, 9, 20)), {"operation": "patch apply", "status": "done"})
    found = kept(view(evidence(*every_day(DAYS[:9]), patched, leaving(DAYS[1], DAYS[9]))))
    assert found["P16"].figures == "1 broken, 9 kept"
    assert [item.day for item in found["P19"].items] == DAYS[:10]
    assert [item.day for item in found["P15"].items] == DAYS[:10]
    assert (found["P10"].word, found["P05"].word) == (Word.KEPT, Word.NOT_COVERED)
    assert found["P05"].items[0].detail == "the customer has left, its last day was 2026-10-10"


def test_of_a_month_after_the_customer_s_last_day_nothing_is_owed() -> None:
    for name in ("aalund", "dalmose"):
        found = kept(view(evidence(leaving(DAYS[1], DAYS[9])), Month(2026, 11), at(date(2026, 12, 5)), name))
        assert {one.word for one in found.values()} <= {Word.NOT_COVERED, Word.NO_EVENT}, found
        assert found["P05"].items[0].detail == "the customer has left, its last day was 2026-10-10"


def test_a_customer_that_stays_owes_and_is_owed_again() -> None:
    stays = ("customer.offboarding-cancelled", at(DAYS[12]), {"reason": "r"})
    found = kept(view(evidence(leaving(DAYS[1], DAYS[9]), stays)))
    assert [item.day for item in found["P16"].items] == [*DAYS[:10], *DAYS[12:]]


def test_backups_that_are_erased_after_the_last_day_break_nothing() -> None:
    def removed(day: date) -> list[Item]:
        gone = ("backup.removed", at(day), {"backup_id": f"{DAYS[0]:%Y%m%d}-ready", "database": "ready"})
        return items(view(evidence(*every_day(DAYS[:9]), leaving(DAYS[1], DAYS[8]), gone)), "P17")

    assert removed(DAYS[8])[0].word is Word.BROKEN
    after = removed(DAYS[9])[0]
    assert (after.word, after.detail) == (Word.NO_EVENT, "the customer has left, its last day was 2026-10-09")
    assert after.evidence


def test_an_order_that_is_recorded_counts_as_for_the_gate() -> None:
    def integration(until: date | None, recorded: date = DAYS[2]) -> Word:
        order = ("order.added", at(recorded), {
            "reference": "ORD-1", "by": "x", "valid_from": at(DAYS[1]).isoformat(), "covers": ["api-access"],
            "valid_to": at(until).isoformat() if until else None, "details": {}})
        bare = profile().model_copy(update={"addons": ()})
        return items(replace(view(evidence(order)), profile=bare), "P18")[0].word

    assert integration(None) is Word.NO_EVENT
    assert integration(DAYS[20]) is Word.NOT_COVERED
    assert integration(None, date(2026, 11, 2)) is Word.NOT_COVERED, "recorded after the month"


def named(day: date, *databases: str) -> tuple[str, datetime, dict[str, Any]]:
    """A storage check."""
    return ("storage.measured", at(day, 1), {"level": "ok", "findings": [], "databases": [
        {"name": name} for name in databases]})


def nights(told: Any, *names: str, now: datetime = LATER) -> dict[date, tuple[Word, str]]:
    """P16 by day, with these databases in the profile."""
    one = profile().databases[0]  # type: ignore[union-attr]
    found = profile().model_copy(update={"databases": tuple(one.model_copy(update={"name": name}) for name in names)})
    return {item.day: (item.word, item.detail) for item in items(replace(view(evidence(*told), now=now), profile=found),
                                                                 "P16") if item.day}


def test_a_database_added_later_leaves_the_days_before_it_as_they_were() -> None:
    told = every_day(DAYS)
    first = backup(DAYS[9], "newdb")
    assert nights([*told, first], "ready", "newdb")[DAYS[8]][0] is Word.KEPT
    assert nights([*told, first], "ready", "newdb")[DAYS[10]] == (Word.BROKEN, "no good backup of newdb")
    failed = ("backup.failed", at(DAYS[9], 3), {"database": "newdb", "reason": "no"})
    assert [nights([*told, failed], "ready", "newdb")[day][0] for day in DAYS[8:11]] == [
        Word.KEPT, Word.BROKEN, Word.BROKEN]
    november = backup(date(2026, 11, 3), "newdb")
    assert nights([*told, november], "ready", "newdb") == nights(told, "ready")


def test_a_database_that_was_never_backed_up_is_broken_since_it_is_known() -> None:
    told = every_day(DAYS)
    assert {word for word, _ in nights(told, "ready", "newdb").values()} == {Word.BROKEN}
    checks = [named(day, "ready") for day in DAYS[:9]] + [named(day, "ready", "newdb") for day in DAYS[9:]]
    words = [nights([*told, *checks], "ready", "newdb")[day][0] for day in DAYS]
    assert words == [Word.KEPT] * 10 + [Word.BROKEN] * 21
    new = [named(day, "ready") for day in (*DAYS, date(2026, 11, 4))]
    assert {word for word, _ in nights([*told, *new], "ready", "newdb").values()} == {Word.KEPT}, "added after October"
    today = nights([*every_day(DAYS[:21]), named(DAYS[20], "ready")], "ready", "newdb", now=at(DAYS[20], 9))
    assert [today[day][0] for day in DAYS[19:21]] == [Word.KEPT, Word.NOT_DUE]


def test_a_database_that_is_taken_out_of_the_profile_leaves_its_failures_behind() -> None:
    told = every_day(DAYS)
    failed = [("backup.failed", at(day, 3), {"database": "old", "reason": "no"}) for day in DAYS[4:8]]
    found = nights([*told, backup(DAYS[3], "old"), *failed], "ready")
    assert [found[day][0] for day in DAYS[3:9]] == [Word.KEPT, *[Word.BROKEN] * 4, Word.KEPT]
    seen = [named(day, "ready", "old") for day in DAYS[4:9]]
    found = nights([*told, *seen], "ready")
    assert [found[day][0] for day in DAYS[3:9]] == [Word.KEPT, Word.KEPT, *[Word.BROKEN] * 3, Word.KEPT]


@given(tried=st.lists(st.sampled_from(["good", "failed", "nothing"]), min_size=31, max_size=31),
       added=st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_a_change_of_the_profile_changes_no_day_that_is_over(tried: list[str], added: int) -> None:
    """One database leaves after its last backup was tried, another comes after the month."""
    old = [backup(day, "old") if one == "good" else ("backup.failed", at(day, 3), {"database": "old", "reason": "no"})
           for day, one in zip(DAYS, tried, strict=True) if one != "nothing"]
    told = [*every_day(DAYS), *old]
    after = nights(told, "ready")
    assert nights([*told, backup(date(2026, 11, added), "newdb")], "ready", "newdb") == after
    if old:
        before, last = nights(told, "ready", "old"), max(DAYS[n] for n, one in enumerate(tried) if one != "nothing")
        assert {day: word for day, word in after.items() if day <= last} == {
            day: word for day, word in before.items() if day <= last}
