"""What a published release makes due: a notice to who hosts the system, an installation where Kamstrup does."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from opsctl.contract.services import Hosting
from opsctl.core.clock import iso
from opsctl.profiles.parts import EarlierTerms
from opsctl.promises.model import Item, Word
from opsctl.promises.month import Month
from opsctl.promises.updates import notice_due
from opsctl.releases.catalogue import Catalogue, load
from opsctl.releases.model import Release
from opsctl.support import calendars
from opsctl.support.model import CalendarVersion
from tests.unit.promises.register_values import ROOT, evidence, kept, profile, view

CALENDARS = calendars.load("dk-public")
CATALOGUE = load(ROOT / "releases")
MAJOR = next(release for release in CATALOGUE.published() if str(release.version) == "6.0.0")
PUBLISHED = MAJOR.published_at or datetime.max.replace(tzinfo=UTC)
MONTH = Month(PUBLISHED.year, PUBLISHED.month)
LONG_AFTER = PUBLISHED + timedelta(days=40)


def told(*entries: Any, now: datetime = LONG_AFTER, name: str = "dalmose", releases: Any = CATALOGUE,
         calendars: tuple[CalendarVersion, ...] = CALENDARS) -> Item:
    found = kept(view(evidence(*entries), MONTH, now, name, releases=releases, calendars=calendars))
    return found["P23" if name == "dalmose" else "P12"].items[0]


def notice(release: str) -> list[Any]:
    named = {"notice": "n1", "revision": 1}
    return [("notice.drafted", PUBLISHED + timedelta(hours=1), {**named, "release": release}),
            ("notice.accepted", PUBLISHED + timedelta(hours=9), {**named, "contact": "x"})]


def test_a_notice_the_relay_accepted_keeps_the_promise_also_a_cumulative_one() -> None:
    assert told(*notice("6.0.0")).word is Word.KEPT
    assert told(*notice("6.0.1")).word is Word.KEPT
    assert told(*notice("5.5.0")).word is Word.BROKEN


def test_a_draft_is_no_notice() -> None:
    assert told(notice("6.0.0")[0]).word is Word.BROKEN


@pytest.mark.parametrize(("published", "due", "why"), [
    ("2026-11-03T08:00:00+01:00", "2026-11-04T16:00:00+01:00", "a Tuesday: until Wednesday closes"),
    ("2026-11-06T13:00:00+01:00", "2026-11-09T16:00:00+01:00", "a Friday: until Monday closes"),
    ("2026-11-07T13:00:00+01:00", "2026-11-09T16:00:00+01:00", "a Saturday: until Monday closes"),
    ("2026-11-05T20:00:00+01:00", "2026-11-06T14:30:00+01:00", "a Friday closes at 14:30"),
    ("2026-04-01T12:00:00+02:00", "2026-04-07T16:00:00+02:00", "over Easter: Thursday to Monday are closed"),
    ("2026-12-30T09:00:00+01:00", "2026-12-31T16:00:00+01:00", "31 December is no public holiday"),
    ("2026-10-23T12:00:00+02:00", "2026-10-26T16:00:00+01:00", "the clock goes back on that Sunday")])
def test_one_working_day_is_counted_by_the_calendar(published: str, due: str, why: str) -> None:
    found = notice_due(view(evidence(), calendars=CALENDARS), MAJOR.model_copy(update={"changes": ()}),
                       datetime.fromisoformat(published))
    assert found == datetime.fromisoformat(due), why


def test_a_security_notice_is_due_on_the_same_working_day() -> None:
    secure = next(release for release in CATALOGUE.published() if _closes_a_vulnerability(release))
    at = datetime.fromisoformat
    looked = view(evidence(), calendars=CALENDARS)
    assert notice_due(looked, secure, at("2026-11-03T08:00:00+01:00")) == at("2026-11-03T16:00:00+01:00")
    assert notice_due(looked, secure, at("2026-11-06T14:30:00+01:00")) == at("2026-11-09T16:00:00+01:00")


def _closes_a_vulnerability(release: Release) -> bool:
    return any(change.type == "security" for change in release.changes)


def test_nobody_told_is_broken_as_soon_as_the_working_day_is_over() -> None:
    due = notice_due(view(evidence(), calendars=CALENDARS), MAJOR, PUBLISHED)
    assert due is not None
    assert told(now=due - timedelta(seconds=1)).word is Word.NOT_DUE
    assert told(now=due).word is Word.BROKEN


def test_how_long_it_took_is_told_and_what_was_late_by_policy() -> None:
    drafted, (kind, at, payload) = notice("6.0.0")
    soon = told(drafted, (kind, at - timedelta(hours=7), payload))
    late = told(drafted, (kind, PUBLISHED + timedelta(days=9), payload))
    assert (soon.word, soon.detail.endswith("2.0 hours after publication")) == (Word.KEPT, True)
    assert (late.word, "9.0 days after publication; by policy it was due" in late.detail) == (Word.KEPT, True)


def test_without_a_calendar_nobody_knows_what_a_working_day_is() -> None:
    assert told(calendars=()).word is Word.UNKNOWN


def test_a_notice_is_not_late_at_once() -> None:
    assert told(now=PUBLISHED + timedelta(hours=2)).word is Word.NOT_DUE


def test_what_was_published_before_the_records_began_is_unknown() -> None:
    found = view(evidence(since=LONG_AFTER.date() - timedelta(days=3)), MONTH, LONG_AFTER, "dalmose",
                 releases=CATALOGUE)
    assert kept(found)["P23"].word is Word.UNKNOWN


def test_hosted_systems_owe_an_installation_and_no_notice() -> None:
    assert told(name="aalund").word is Word.NOT_DUE
    done = ("release.installed", PUBLISHED + timedelta(days=2), {"to": "6.0.0"})
    assert told(done, name="aalund").word is Word.KEPT
    assert "P23" not in kept(view(evidence(), MONTH, LONG_AFTER, "aalund", releases=CATALOGUE))


def reported(after: str, later: timedelta, system: str = "READY") -> tuple[str, datetime, dict[str, str]]:
    return "change.reported", PUBLISHED + later, {"system": system, "after": after}


HOURS, LATE = timedelta(hours=2), timedelta(days=9)


@pytest.mark.parametrize("version", ["6.0.0", "6.0.1"])
def test_a_customer_that_reports_it_before_the_notice_was_due_is_told_of_nothing(version: str) -> None:
    found = told(reported(version, HOURS))
    assert (found.word, len(found.evidence)) == (Word.NO_EVENT, 1)
    assert found.detail == f"the customer reported at {iso(PUBLISHED + HOURS)} that it has {version}"
    assert told(reported(version, HOURS), now=PUBLISHED + HOURS * 2).word is Word.NO_EVENT, "also before it is due"


@pytest.mark.parametrize("entry", [
    reported("6.0.0", LATE), reported("5.5.0", HOURS), reported("the new one", HOURS),
    reported("6.0.0", HOURS, "PostgreSQL"), ("release.found", PUBLISHED + LATE, {"version": "6.0.0"})])
def test_what_is_reported_too_late_or_is_no_such_version_leaves_the_promise_broken(entry: Any) -> None:
    assert (told(entry).word, told(entry).detail) == (Word.BROKEN, "nobody was told")


def test_a_customer_that_went_back_in_time_was_to_be_told() -> None:
    installed = ("release.installed", PUBLISHED + HOURS, {"to": "6.0.0"})
    assert told(installed, reported("5.4.0", HOURS * 2)).word is Word.BROKEN
    assert told(installed, ("release.taken_back", PUBLISHED + HOURS * 2, {"version": "5.4.0"})).word is Word.BROKEN
    again = told(reported("6.0.0", HOURS), reported("5.4.0", HOURS * 2), reported("6.0.0", HOURS * 3))
    assert iso(PUBLISHED + HOURS * 3) in again.detail and again.word is Word.NO_EVENT


def test_what_was_there_before_its_publication_is_installed_already() -> None:
    found = told(reported("6.1.0", -LATE))
    assert (found.word, found.detail, len(found.evidence)) == (Word.NO_EVENT, "6.1.0 is installed already", 1)


def test_who_installed_it_on_the_customer_s_hosts_is_told_only_where_it_is_known() -> None:
    ours = told(("release.installed", PUBLISHED + HOURS, {"to": "6.0.0"}))
    assert ours.word is Word.NO_EVENT and ours.detail.startswith("Kamstrup installed it at")
    found = told(("release.found", PUBLISHED + HOURS, {"version": "6.0.0"}))
    assert (found.word, found.detail) == (Word.NO_EVENT, f"found installed at {iso(PUBLISHED + HOURS)}")


def test_proofs_from_before_the_hosting_changed_do_not_count() -> None:
    moved = profile("dalmose").model_copy(update={"hosting_from": PUBLISHED.date(), "earlier": (EarlierTerms(
        effective_from=date(2020, 1, 1), hosting=Hosting.KAMSTRUP),)})
    before = ("release.installed", PUBLISHED - timedelta(days=3), {"to": "6.0.0"})
    looked = view(evidence(before), MONTH, LONG_AFTER, "dalmose", releases=CATALOGUE, calendars=CALENDARS)
    assert kept(replace(looked, profile=moved))["P23"].items[0].word is Word.BROKEN


def test_on_a_hosted_system_what_was_only_found_is_told_as_that() -> None:
    found = told(("release.found", PUBLISHED + timedelta(days=2), {"version": "6.0.0"}), name="aalund")
    assert (found.word, len(found.evidence)) == (Word.KEPT, 1)
    assert found.detail == f"found installed at {iso(PUBLISHED + timedelta(days=2))}, 48.0 hours after publication"
    assert told(reported("6.0.0", HOURS), name="aalund").word is Word.NOT_DUE, "there nobody installs but Kamstrup"
    back = ("release.taken_back", PUBLISHED + HOURS, {"version": "5.5.0"})
    assert told(back, name="aalund").word is Word.NOT_DUE


def test_a_hosted_system_that_had_a_later_release_before_is_owed_nothing() -> None:
    ahead = ("release.installed", PUBLISHED - LATE, {"to": "6.1.0"})
    found = told(ahead, name="aalund")
    assert (found.word, found.detail) == (Word.NO_EVENT, "6.1.0 is installed already")
    back = ("release.taken_back", PUBLISHED - HOURS, {"version": "5.5.0"})
    assert told(ahead, back, name="aalund").word is Word.NOT_DUE


def test_releases_that_cannot_be_read_are_unknown() -> None:
    assert kept(view(evidence(), MONTH, LONG_AFTER))["P04"].word is Word.UNKNOWN


def test_a_notice_that_falls_due_after_the_customer_s_last_day_is_owed_no_more() -> None:
    plain = MAJOR.model_copy(update={"changes": ()})
    catalogue = Catalogue({**CATALOGUE.releases, plain.version: plain}, CATALOGUE.files)

    def word(days: int) -> Word:
        """Of a customer whose last day is so many after that of the publication; the notice is due on the next one."""
        ends = (PUBLISHED + timedelta(days=days)).date().isoformat()
        left = ("customer.offboarding-started", PUBLISHED - timedelta(days=2), {"last_day": ends, "reason": "r"})
        return told(left, releases=catalogue).word

    assert (word(1), word(0)) == (Word.BROKEN, Word.NOT_COVERED)
    with pytest.raises(KeyError):
        word(-1)
