"""The error log on a real ledger: intake, levels, start, waiting, corrections; and what is refused."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opsctl.core.clock import FixedClock
from opsctl.core.errors import EvidenceDamaged, UsageError
from opsctl.runs.workplace import Workplace
from opsctl.support import calendars, fold
from opsctl.support.due import due, reminders
from opsctl.support.handling import resume, start, wait
from opsctl.support.intake import Answer, Answers, propose
from opsctl.support.log import Log, persons, read, writing
from opsctl.support.request import State, Urgency, Word
from opsctl.support.service import Correction, close, contract_of, correct, note, reopen, set_level
from tests.unit.support.conftest import CUSTOMER, NOW, PERSON, A, B, D, at, logged

YES, NO, UNKNOWN = Answer.YES, Answer.NO, Answer.UNKNOWN
PAST = {"late_reason": "the line was down"}


@pytest.mark.parametrize(("answers", "level"), [
    (Answers(YES, YES, YES), "A"), (Answers(YES, YES, NO), "B"), (Answers(YES, YES, UNKNOWN), "A"),
    (Answers(YES, UNKNOWN, UNKNOWN), "A"), (Answers(YES, UNKNOWN, NO), "B"), (Answers(UNKNOWN, YES, YES), "A"),
    (Answers(YES, NO, None, YES, YES), "B"), (Answers(YES, NO, None, YES, NO), "C"),
    (Answers(YES, NO, None, NO), "C"), (Answers(YES, NO, None, YES, UNKNOWN), "B"), (Answers(NO), "D"),
])
def test_the_answers_give_the_level(answers: Answers, level: str) -> None:
    assert answers.next_question() is None
    assert propose(answers)[0] == level


@pytest.mark.parametrize(("answers", "question"), [
    (Answers(), "error"), (Answers(YES), "stops"), (Answers(YES, YES), "data_loss"), (Answers(YES, NO), "important"),
    (Answers(YES, NO, None, YES), "costly")])
def test_what_is_open_is_asked_by_name(answers: Answers, question: str) -> None:
    assert answers.next_question() == question
    with pytest.raises(UsageError) as error:
        propose(answers)
    assert f"--{question.replace('_', '-')} yes|no|unknown" in error.value.resolution


def test_a_request_is_logged_with_answers_level_and_deadline(log: Log) -> None:
    request = logged(log)
    assert (request.id, request.level, request.state) == ("sample-aalund-1", "A", State.NEW)
    assert request.answers == {"error": "yes", "stops": "yes", "data_loss": "yes"}
    assert request.clock.deadline == NOW + timedelta(hours=4)
    version = calendars.load("dk-public")[-1]
    assert (request.clock.version, request.clock.digest) == (version.number, version.digest)
    assert persons(log.place, [request])[request.id] == PERSON


def test_no_name_and_no_text_stands_in_the_chain(log: Log) -> None:
    request = start(log, logged(log).id, "Sample Handler")
    note(log, request.id, "called Sample Reporter back")
    close(log, request.id, "Sample Reporter is content")
    chain = "\n".join(log.place.ledger.export())
    assert "Sample" not in chain.replace("sample-aalund", "")
    assert "Readings stopped" not in chain


@pytest.mark.parametrize("received", ["2028-02-29T23:59:59+01:00", "2026-12-25T03:00:00+01:00",
                                      "2026-11-29T12:00:00+01:00"], ids=["leap day", "Christmas", "Sunday"])
def test_a_request_can_be_logged_at_any_instant(received: str, log: Log, clock: FixedClock) -> None:
    moment = datetime.fromisoformat(received).astimezone(UTC)
    clock.move(moment - clock.now())
    request = logged(log, received=moment)
    assert request.received == moment
    assert request.clock.deadline > moment


def test_the_past_needs_a_reason_and_the_future_is_refused(log: Log) -> None:
    with pytest.raises(UsageError, match="60 minutes in the past"):
        logged(log, received=NOW - timedelta(hours=1))
    assert logged(log, received=NOW - timedelta(hours=1), **PAST).late_reason == "the line was down"
    with pytest.raises(UsageError, match="lies in the future"):
        logged(log, received=NOW + timedelta(seconds=121))
    ahead = logged(log, received=NOW + timedelta(seconds=120))
    assert start(log, ahead.id, "Sample Handler").word(NOW) is Word.KEPT
    assert len(log.requests) == 2


def test_a_level_by_hand_needs_its_reason_and_keeps_the_proposal(log: Log) -> None:
    with pytest.raises(UsageError, match="level-reason"):
        logged(log, answers=B, level="C")
    request = logged(log, answers=B, level="C", level_reason="a way round is known")
    assert (request.level, request.proposed, request.grades[0].reason) == ("C", "B", "a way round is known")
    with pytest.raises(UsageError, match="no level 'E'"):
        logged(log, answers=B, level="E", level_reason="x")


def test_start_records_the_verdict_once(log: Log, clock: FixedClock) -> None:
    request = logged(log)
    at(clock, 4)
    request = start(log, request.id, "Sample Handler")
    assert request.start is not None
    assert (request.start.used_seconds, request.word(clock.now())) == (14400, Word.KEPT)
    with pytest.raises(UsageError, match="was started at"):
        start(log, request.id, "Another Handler")


def test_a_second_too_late_is_broken_also_before_anybody_starts(log: Log, clock: FixedClock) -> None:
    request = logged(log)
    clock.move(timedelta(hours=4))
    assert (request.word(clock.now()), request.urgency(clock.now())) == (Word.NOT_DUE, Urgency.DUE)
    clock.move(timedelta(seconds=1))
    assert (request.word(clock.now()), request.urgency(clock.now())) == (Word.BROKEN, Urgency.LATE)
    assert start(log, request.id, "Sample Handler").word(clock.now()) is Word.BROKEN


def test_a_start_before_receipt_is_refused(log: Log) -> None:
    request = logged(log)
    with pytest.raises(UsageError, match="before the request was received"):
        start(log, request.id, "Sample Handler", at=NOW - timedelta(minutes=1))
    assert log.find(request.id).start is None


def test_e02_a_raised_level_counts_from_receipt_and_keeps_the_history(log: Log, clock: FixedClock) -> None:
    clock.move(datetime(2026, 11, 23, 8, tzinfo=UTC) - NOW)
    request = logged(log, answers=B)
    at(clock, 1)
    request = set_level(log, request.id, "A", "it stops now", answers=A)
    assert request.clock.deadline == datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert request.clock.from_change == datetime(2026, 11, 23, 13, tzinfo=UTC)
    assert [(grade.level, grade.clock.deadline) for grade in request.grades] == [
        ("B", datetime(2026, 11, 24, 8, tzinfo=UTC)), ("A", datetime(2026, 11, 23, 12, tzinfo=UTC))]
    assert request.answers["stops"] == "yes"


def test_late_at_reclassification_keeps_the_past_deadline_and_gives_a_target(log: Log, clock: FixedClock) -> None:
    request = logged(log, answers=B)
    at(clock, 5)
    request = set_level(log, request.id, "A", "it stops now")
    assert request.clock.deadline == NOW + timedelta(hours=4)
    assert (request.clock.late_at_change, request.clock.target) == (True, request.clock.from_change)
    assert request.word(clock.now()) is Word.BROKEN


def test_another_level_after_the_start_is_another_verdict_with_both_on_record(log: Log, clock: FixedClock) -> None:
    request = logged(log, answers=B)
    at(clock, 5)
    assert start(log, request.id, "Sample Handler").word(clock.now()) is Word.KEPT
    request = set_level(log, request.id, "A", "data had been lost")
    assert (request.word(clock.now()), request.clock.late_at_change) == (Word.BROKEN, False)
    assert [entry.payload["in_time"] for entry in log.place.ledger.entries(CUSTOMER, kinds=[fold.STARTED, fold.LEVEL])
            ] == [True, False]


def test_waiting_does_not_stop_the_clock_by_default(log: Log, clock: FixedClock) -> None:
    request = wait(log, logged(log).id, "customer")
    assert (request.state, request.waits[0].pauses) == (State.WAITING, False)
    at(clock, 25)
    assert resume(log, request.id).clock.deadline == NOW + timedelta(hours=4)


def test_w01_waiting_on_record_stops_the_clock_where_the_policy_says_so(pausing: Workplace, clock: FixedClock) -> None:
    with writing(pausing, CUSTOMER) as log:
        request = logged(log)
        at(clock, 1)
        wait(log, request.id, "customer")
        at(clock, 20)
        assert log.find(request.id).urgency(clock.now()) is Urgency.OPEN
        at(clock, 3)
        request = resume(log, request.id)
        assert request.clock.deadline == datetime(2026, 11, 25, 11, tzinfo=UTC)
        assert request.clock.without_pause == datetime(2026, 11, 24, 12, tzinfo=UTC)
        at(clock, 3)
        found = start(log, request.id, "Sample Handler").start
    assert found is not None
    assert (found.used_seconds, found.in_time) == (14400, True)


def test_a_third_party_stops_no_clock(pausing: Workplace) -> None:
    with writing(pausing, CUSTOMER) as log:
        assert not wait(log, logged(log).id, "third-party").waits[0].pauses


def test_a_start_while_it_waits_ends_the_wait(pausing: Workplace, clock: FixedClock) -> None:
    with writing(pausing, CUSTOMER) as log:
        request = wait(log, logged(log).id, "customer")
        at(clock, 2)
        request = start(log, request.id, "Sample Handler")
    assert request.start is not None
    assert (request.state, request.waits[0].until, request.start.used_seconds) == (State.STARTED, clock.now(), 0)


def test_close_needs_a_start_and_reopen_keeps_it(log: Log, clock: FixedClock) -> None:
    request = logged(log)
    with pytest.raises(UsageError, match="nobody has started"):
        close(log, request.id, "done")
    begun = start(log, request.id, "Sample Handler").start
    with pytest.raises(UsageError, match="empty"):
        close(log, request.id, " ")
    assert close(log, request.id, "done").state is State.CLOSED
    with pytest.raises(UsageError, match="was closed"):
        set_level(log, request.id, "C", "x")
    request = reopen(log, request.id, "it came back")
    assert (request.state, request.start) == (State.STARTED, begun)
    with pytest.raises(UsageError, match="not closed"):
        reopen(log, request.id, "x")


def test_a_correction_is_a_new_entry_with_a_new_verdict(log: Log, clock: FixedClock) -> None:
    request = logged(log, received=NOW - timedelta(hours=1), **PAST)
    at(clock, 3.5)
    request = start(log, request.id, "Sample Handler")
    assert request.word(clock.now()) is Word.BROKEN
    before = len(list(log.place.ledger.entries(CUSTOMER)))
    from opsctl.profiles.loader import load_profile

    contract = contract_of(log.place, load_profile(log.place.settings.inventories, CUSTOMER))
    request = correct(log, contract, request.id, Correction(received=NOW), "the mail was dated in another zone")
    assert (request.received, request.word(clock.now())) == (NOW, Word.KEPT)
    assert request.clock.deadline == NOW + timedelta(hours=4)
    assert len(list(log.place.ledger.entries(CUSTOMER))) == before + 1
    with pytest.raises(UsageError, match="nothing to correct"):
        correct(log, contract, request.id, Correction(), "x")
    with pytest.raises(UsageError, match="future"):
        correct(log, contract, request.id, Correction(received=NOW + timedelta(days=1)), "x")


def test_a_duplicate_is_linked_and_has_its_own_clock(log: Log, clock: FixedClock) -> None:
    first = logged(log)
    at(clock, 1)
    second = logged(log, duplicate_of=first.id)
    assert (second.duplicate_of, second.clock.deadline) == (first.id, NOW + timedelta(hours=5))
    with pytest.raises(UsageError, match="no request 'sample-aalund-9'"):
        logged(log, duplicate_of="sample-aalund-9")


def test_a_reference_is_logged_once(log: Log) -> None:
    logged(log, reference="T-1")
    with pytest.raises(UsageError, match="on record as sample-aalund-1"):
        logged(log, reference="T-1")


def test_two_people_at_once_lose_nothing(place: Workplace) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def one(number: int) -> str:
        with writing(place, CUSTOMER, patience=120) as log:
            return logged(log, reference=f"T-{number}").id

    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(one, range(8)))
    assert sorted(ids) == sorted(f"sample-aalund-{number}" for number in range(1, 9))
    assert {request.reference for request in read(place, [CUSTOMER]).values()} == {f"T-{n}" for n in range(8)}
    assert place.ledger.verify().sound


def test_reminders_come_once_at_each_step_and_only_in_support_hours(log: Log, clock: FixedClock) -> None:
    clock.move(timedelta(hours=5))
    request = logged(log)
    versions = log.versions()
    told = []
    for _ in range(4 * 24):
        for item in reminders(log.requests.values(), clock.now(), versions):
            log.append(fold.REMINDED, {"id": item.request.id, "percent": {"50 %": 50, "75 %": 75}.get(
                item.urgency.value, 100)})
            told.append((clock.now(), item.urgency.value))
        clock.move(timedelta(minutes=15))
    day = datetime(2026, 11, 25, tzinfo=UTC)
    # Two hours are used exactly at the close of 16:00: the reminder comes at the next opening.
    assert request.clock.half == day + timedelta(hours=7)
    assert told == [(day + timedelta(hours=7), "50 %"), (day + timedelta(hours=8), "75 %"),
                    (day + timedelta(hours=9), "100 %")]


def test_due_lists_the_gravest_first(log: Log, clock: FixedClock) -> None:
    ids = [logged(log, answers=answers).id for answers in (D, B, A)]
    at(clock, 5)
    assert [(item.request.id, item.urgency) for item in due(log.requests.values(), clock.now())] == [
        (ids[2], Urgency.LATE), (ids[1], Urgency.HALF)]
    assert len(due(log.requests.values(), clock.now(), everything=True)) == 3


def test_an_entry_that_cannot_be_read_is_damage(log: Log) -> None:
    logged(log)
    log.place.ledger.append(CUSTOMER, fold.STARTED, {"id": "sample-aalund-7"}, actor="desk")
    with pytest.raises(EvidenceDamaged, match="sample-aalund:2"):
        read(log.place, [CUSTOMER])


def test_another_calendar_later_changes_no_verdict_on_record(log: Log, clock: FixedClock,
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    kept, broken = logged(log), logged(log)
    start(log, kept.id, "Sample Handler")
    at(clock, 5)
    start(log, broken.id, "Sample Handler")
    before = {id: (request.word(clock.now()), request.clock) for id, request in log.requests.items()}
    real = calendars.load("dk-public")[0]
    closed = replace(real.working, closing_days={**real.working.closing_days, NOW.date(): "closed after the fact"})
    monkeypatch.setattr(calendars, "load", lambda name, folder=Path(): (replace(real, working=closed, digest="x"),))
    again = read(log.place, [CUSTOMER])
    assert {id: (request.word(clock.now()), request.clock) for id, request in again.items()} == before
