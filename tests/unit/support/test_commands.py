"""`opsctl support` as people use it: questions at a terminal, what is due, explanations, and every refusal."""

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from tests.unit.records.conftest import Run

OPEN = ("support", "open", "sample-aalund", "--reporter", "Sample Reporter", "--subject", "Readings stopped")
STOP = ("--error", "yes", "--stops", "yes", "--data-loss", "yes")
NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
ID = "sample-aalund-1"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_without_a_terminal_nothing_is_asked_and_the_option_is_named(opsctl: Run) -> None:
    for arguments, option in (((*OPEN, "--error", "yes"), "--stops"), (OPEN, "--error"),
                              (OPEN[:5], "--subject"), (OPEN[:3], "--reporter")):
        answer = opsctl(*arguments)
        assert (answer.code, option in answer.stderr) == (2, True), answer
    assert opsctl("support", "list", "--json").data["total"] == 0


def test_at_a_terminal_what_the_options_leave_open_is_asked(opsctl: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal("perhaps\ny\nno\nYES\nunknown\n"))
    answer = opsctl(*OPEN, "--json")
    assert answer.code == 0, answer
    assert answer.data["answers"] == {"error": "yes", "stops": "no", "important": "yes", "costly": "unknown"}
    assert answer.data["level"] == "B"
    assert "answer yes, no or unknown" in answer.stderr


def test_due_in_three_forms_with_their_exit_codes(opsctl: Run) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        assert opsctl(*OPEN, *STOP).code == 0
        answers = []
        for hours in (0, 2, 3, 5):
            clock.move_to(NOW + timedelta(hours=hours))
            told = opsctl("support", "due", "--json")
            answers.append((opsctl("support", "due", "--format", "nagios").code, told.code,
                            [row["urgency"] for row in told.data["due"]]))
        assert answers == [(0, 0, []), (0, 0, ["50 %"]), (1, 0, ["75 %"]), (2, 8, ["late"])]
        shown = opsctl("support", "due")
        assert "5:00:00" in shown.stdout
        assert opsctl("support", "due", "sample-birkeby", "--format", "nagios").code == 0
        assert opsctl("support", "due", "sample-nobody", "--format", "nagios").code == 3
        assert opsctl("support", "start", ID, "--by", "Sample Handler").code == 0
        assert opsctl("support", "due").code == 0


def test_remind_tells_each_step_once(opsctl: Run) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        opsctl(*OPEN, *STOP)
        clock.move_to(NOW + timedelta(hours=2))
        assert opsctl("support", "remind").stdout.startswith(f"{ID}: level A, 50 %, 2:00:00 used")
        assert opsctl("support", "remind").stdout == ""
        clock.move_to(NOW + timedelta(hours=12))
        assert opsctl("support", "remind").stdout == ""
        clock.move_to(NOW + timedelta(hours=23))
        assert "late" in opsctl("support", "remind").stdout


def test_at_answers_by_what_had_been_recorded_then(opsctl: Run) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        opsctl(*OPEN, *STOP)
        clock.move_to(NOW + timedelta(hours=3))
        opsctl("support", "start", ID, "--by", "Sample Handler")
        opsctl(*OPEN, *STOP)
        then = ("--at", (NOW + timedelta(hours=2)).isoformat(), "--json")
        (row,) = opsctl("support", "list", *then).data["requests"]
        assert (row["state"], row["urgency"], row["verdict"]) == ("new", "50 %", "not due")
        assert opsctl("support", "show", ID, *then).data["started"] is None
        assert opsctl("support", "list", "--json").data["total"] == 2


def test_explain_has_a_line_for_each_interval_and_agrees_with_the_record(opsctl: Run) -> None:
    with time_machine.travel(datetime(2026, 11, 27, 12, 0, tzinfo=UTC), tick=False) as clock:
        opsctl(*OPEN, "--error", "no")
        clock.move_to(datetime(2026, 12, 1, 9, 0, tzinfo=UTC))
        opsctl("support", "start", ID, "--by", "Sample Handler")
        answer = opsctl("support", "explain", ID)
        assert answer.stderr == ""
        for line in ("Fri 2026-11-27 13:00:00 CET  Fri 2026-11-27 14:30:00 CET  1:30:00",
                     "Mon 2026-11-30 08:00:00 CET  Mon 2026-11-30 16:00:00 CET  8:00:00",
                     "Tue 2026-12-01 08:00:00 CET  Tue 2026-12-01 10:00:00 CET  2:00:00", "kept: in time"):
            assert line in answer.stdout
        data = opsctl("support", "explain", ID, "--json").data
        assert (data["deadline"], data["recorded"]["deadline"]) == ("2026-12-01T14:30:00+01:00",) * 2
        assert sum(one["seconds"] for one in data["counted"]) == data["used_seconds"] == 11.5 * 3600


def test_a_life_is_shown_in_its_order(opsctl: Run) -> None:
    for arguments in ((*OPEN[1:], *STOP), ("wait", ID, "--for", "customer"), ("resume", ID),
                      ("level", ID, "--level", "B", "--reason", "data is safe"),
                      ("start", ID, "--by", "Sample Handler"),
                      ("note", ID, "restart the service", "--answer"), ("close", ID, "it runs again"),
                      ("reopen", ID, "--reason", "it stopped again"),
                      ("correct", ID, "--reason", "typing", "--subject", "Readings are late"),
                      ("close", ID, "it runs")):
        answer = opsctl("support", *arguments)
        assert answer.code == 0, answer
    shown = opsctl("support", "show", ID).stdout
    words = ("level A by tester", "waiting for customer; the clock runs on", "waiting ended", "data is safe",
             "handling started by Sample Handler, in time", "restart the service", "it runs again", "it stopped again",
             "typing")
    places = [shown.index(word) for word in words]
    assert places == sorted(places)
    assert shown.rindex("closed by tester: it runs") > places[-1]
    assert "subject      Readings are late" in shown
    assert opsctl("support", "list").stdout == "no request is open\n"
    assert opsctl("ledger", "verify").code == 0


@pytest.mark.parametrize(("about", "customer", "row"), [
    ("backup", "sample-dalmose", "P26"), ("network-management", "sample-dalmose", "P25"),
    ("storage-management", "sample-dalmose", "P28"), ("system-integration", "sample-dalmose", "P27"),
    ("system-integration", "sample-birkeby", "purchase required"), ("meters", "sample-aalund", "P53"),
    ("communication", "sample-aalund", "P52"), ("third-party", "sample-dalmose", "P51")])
def test_what_the_contract_does_not_cover_is_logged_and_says_its_row(about: str, customer: str, row: str,
                                                                     opsctl: Run) -> None:
    answer = opsctl("support", "open", customer, *OPEN[3:], *STOP, "--about", about, "--json")
    envelope = json.loads(answer.stdout)
    assert (answer.code, answer.data["verdict"]) == (0, "not covered")
    assert row in answer.data["not_covered"] and row in envelope["warnings"][0]
    with time_machine.travel(datetime.now(UTC) + timedelta(days=30)):
        assert opsctl("support", "due", customer).code == 0


@pytest.mark.parametrize(("about", "customer"), [("ready", "sample-dalmose"), ("backup", "sample-birkeby"),
                                                 ("licence-management", "sample-dalmose"),
                                                 ("system-integration", "sample-aalund")])
def test_what_the_contract_covers(about: str, customer: str, opsctl: Run) -> None:
    answer = opsctl("support", "open", customer, *OPEN[3:], *STOP, "--about", about, "--json")
    assert (answer.data["verdict"], answer.data["not_covered"]) == ("not due", "")


def test_without_a_valid_agreement_it_is_logged_and_not_covered(opsctl: Run, config: Path) -> None:
    path = config.parent / "inventories" / "sample-aalund" / "profile.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("valid_to: 2029-12-31", "valid_to: 2024-12-31"), encoding="utf-8")
    answer = opsctl(*OPEN, *STOP, "--json")
    assert answer.code == 0
    assert "expired" in answer.data["not_covered"] and "P05" in answer.data["not_covered"]


BAD = [
    pytest.param(("open", "sample-nobody"), 3, "no customer sample-nobody", id="an unknown customer"),
    pytest.param((*OPEN[1:], *STOP, "--received", "2026-11-17T09:00"), 2, "without a zone", id="a time without zone"),
    pytest.param((*OPEN[1:], *STOP, "--received", "2025-10-26T02:30"), 2, "comes twice", id="the repeated hour"),
    pytest.param((*OPEN[1:], *STOP, "--received", "2026-03-29T02:30"), 2, "does not exist", id="the missing hour"),
    pytest.param((*OPEN[1:], *STOP, "--received", "2098-03-29T02:30Z"), 2, "lies in the future", id="the future"),
    pytest.param((*OPEN[1:], *STOP, "--received", "2025-11-17T09:00Z"), 2, "--late-reason",
                 id="the past without a reason"),
    pytest.param((*OPEN[1:], "--level", "E", "--level-reason", "x"), 2, "no level 'E'",
                 id="a level that does not exist"),
    pytest.param((*OPEN[1:], *STOP, "--level", "D"), 2, "--level-reason",
                 id="another level than the answers' without a reason"),
    pytest.param((*OPEN[1:], *STOP, "--about", "weather"), 2, "--about 'weather'", id="about what there is not"),
    pytest.param((*OPEN[1:], *STOP, "--stops", "perhaps"), 2, "--stops", id="an answer that there is not"),
    pytest.param((*OPEN[1:5], "--subject", "two\nlines", *STOP), 2, "subject", id="two lines as subject"),
    pytest.param(("show", "sample-aalund-7"), 2, "no request 'sample-aalund-7'", id="a request that there is not"),
    pytest.param(("show", "nonsense"), 2, "CUSTOMER-NUMBER", id="no id"),
    pytest.param(("start", "sample-aalund-7", "--by", "x"), 2, "no request",
                 id="a start of a request that there is not"),
    pytest.param(("start", "sample-nobody-7", "--by", "x"), 2, "no request", id="a request of an unknown customer"),
    pytest.param(("start", ID), 2, "--by", id="a start by nobody"),
    pytest.param(("close", ID, "done"), 2, "nobody has started", id="closing before starting"),
    pytest.param(("resume", ID), 2, "does not wait", id="going on without waiting"),
    pytest.param(("wait", ID, "--for", "rain"), 2, "customer, access, third-party", id="waiting for what there is not"),
    pytest.param(("level", ID, "--level", "A", "--reason", "x"), 2, "has level A already", id="the level that it has"),
    pytest.param(("correct", ID, "--reason", "x"), 2, "nothing to correct", id="a correction of nothing"),
    pytest.param(("correct", ID, "--reason", "x", "--duplicate-of", ID), 2, "cannot be a duplicate",
                 id="a duplicate of itself"),
    pytest.param(("start", ID, "--by", "x", "--when", "2020-01-01T00:00Z", "--late-reason", "y"), 2,
                 "before the request", id="a start before receipt"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "code", "words"), BAD)
def test_bad_input_is_told_by_its_field_and_records_nothing(arguments: tuple[str, ...], code: int, words: str,
                                                            opsctl: Run) -> None:
    assert opsctl(*OPEN, *STOP).code == 0
    before = opsctl("ledger", "export").stdout
    answer = opsctl("support", *arguments)
    assert (answer.code, words in answer.stderr) == (code, True), answer
    assert opsctl("ledger", "export").stdout == before


@pytest.mark.slow
def test_of_two_thousand_requests_only_those_that_are_shown_are_read(opsctl: Run, tmp_path: Path,
                                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"T-{n},2026-09-{n % 28 + 1:02d}T{n % 24:02d}:00:00Z,{'ABCD'[n % 4]},Reporter {n},Subject {n}"
            for n in range(2000)]
    path = tmp_path / "many.csv"
    path.write_text("reference,received,level,reporter,subject\n" + "\n".join(rows), encoding="utf-8")
    assert opsctl("support", "import", "sample-aalund", str(path)).code == 0
    from opsctl.ledger.quick import QuickLedger

    read: list[int] = []
    ordinary = QuickLedger.entries
    monkeypatch.setattr(QuickLedger, "entries",
                        lambda self, chain, places: read.extend(places) or ordinary(self, chain, places))
    assert opsctl("support", "list", "--json").data["total"] == 2000
    assert len(read) == 50
