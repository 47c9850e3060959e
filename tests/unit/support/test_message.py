"""P45: the customer is told of four occasions, each time with the level's terms and all three channels."""

import pytest

from opsctl.core.clock import FixedClock
from opsctl.support.handling import start
from opsctl.support.log import Log
from opsctl.support.message import Channels, Occasion, message, occasion
from opsctl.support.service import close, set_level
from tests.unit.records.conftest import Run
from tests.unit.support.conftest import B, at, logged

CHANNELS = Channels("Sample Vendor", "https://help.example/", "+45 11 11 11 11", "desk@help.example")


def test_each_step_has_its_own_message(log: Log, clock: FixedClock) -> None:
    request = logged(log, answers=B, reference="T-1")
    seen = [occasion(request)]
    first = message(request, "Readings stopped", "", Occasion.RECEIVED, CHANNELS)
    at(clock, 5)
    request = set_level(log, request.id, "A", "it stops now")
    seen.append(occasion(request))
    changed = message(request, "Readings stopped", "", Occasion.LEVEL, CHANNELS)
    request = start(log, request.id, "Sample Handler")
    seen.append(occasion(request))
    started = message(request, "Readings stopped", "", Occasion.STARTED, CHANNELS)
    request = close(log, request.id, "restarted")
    seen.append(occasion(request))
    closed = message(request, "Readings stopped", "restarted", Occasion.CLOSED, CHANNELS)
    assert seen == [Occasion.RECEIVED, Occasion.LEVEL, Occasion.STARTED, Occasion.CLOSED]
    assert "Level B" in first and "within 8 working hours, at the latest Wednesday 2026-11-25 09:00" in first
    assert "from B to A: it stops now" in changed
    assert "at the latest Wednesday 2026-11-25 10:00 Danish time (CET), counted from the change of level" in changed
    assert "We started handling it: Tuesday 2026-11-24 14:00 Danish time (CET)" in started
    assert "What came of it: restarted" in closed
    for text in (first, changed, started, closed):
        assert "(your reference T-1)" in text
        assert all(channel in text for channel in (CHANNELS.website, CHANNELS.phone, CHANNELS.email))
        assert "Sample Handler" not in text and "resol" not in text.lower()


@pytest.mark.parametrize("about", ["level", "started", "closed"])
def test_what_has_not_happened_is_not_told(about: str, opsctl: Run) -> None:
    opened = opsctl("support", "open", "sample-aalund", "--reporter", "R", "--subject", "S", "--error", "no")
    assert "To tell the customer:" in opened.stdout
    answer = opsctl("support", "message", "sample-aalund-1", "--about", about)
    assert (answer.code, "nothing to tell" in answer.stderr) == (2, True)
    assert "received" in opsctl("support", "message", "sample-aalund-1").stdout


def test_what_kamstrup_found_itself_informs_nobody(opsctl: Run) -> None:
    opened = opsctl("support", "open", "sample-aalund", "--reporter", "R", "--subject", "S", "--error", "no",
                    "--origin", "internal")
    assert (opened.code, "To tell the customer" in opened.stdout) == (0, False)
