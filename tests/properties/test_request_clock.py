"""A request's whole life on a real ledger, against a walk over every second of working time."""

import tempfile
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsctl.contract.levels import LEVELS
from opsctl.core.clock import FixedClock
from opsctl.core.progress import Silent
from opsctl.ledger import open_ledger
from opsctl.profiles.settings import Policy, Settings
from opsctl.profiles.support import SupportPolicy
from opsctl.runs.workplace import Workplace
from opsctl.support.handling import resume, start, wait
from opsctl.support.intake import UNASKED
from opsctl.support.log import Person, read, writing
from opsctl.support.request import Urgency, Word
from opsctl.support.service import Report, open_request, set_level
from tests.properties.test_working_time import STARTS, midnight, paused, seconds, walk_to

# What happens, and how many seconds after the one before.
steps = st.lists(st.tuples(st.sampled_from(["A", "B", "C", "wait", "resume"]), st.integers(0, 30_000)), max_size=6)


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(st.sampled_from(STARTS), st.sampled_from(sorted(LEVELS)), st.integers(0, 3 * 86400), steps,
       st.integers(0, 200_000))
def test_a_recorded_life_is_the_walk_s(day: date, level: str, offset: int, life: list[tuple[str, int]],
                                       last: int) -> None:
    base = midnight(day)
    clock = FixedClock(base + timedelta(seconds=offset))
    with tempfile.TemporaryDirectory() as folder:
        ledger = open_ledger(f"sqlite:///{folder}/log.db", clock)
        here = Path(folder)
        place = Workplace(Settings(policy=Policy(support=SupportPolicy(pause=True))), ledger, clock, Silent(), "desk",
                          here, here)
        with writing(place, "sample") as log:
            request = open_request(log, lambda about, at: "", Report(
                Person("R", "S", ""), answers=UNASKED, level=level, level_reason="any"))
            second, pauses, since = offset, [], None
            for what, after in life:
                second += after
                clock.move(timedelta(seconds=after))
                if what == "wait" and since is None:
                    request, since = wait(log, request.id, "customer"), second
                elif what == "resume" and since is not None:
                    request = resume(log, request.id)
                    pauses, since = [*pauses, (since, second)], None
                elif what in set(LEVELS) - {request.level} and clock.now() > request.grades[-1].at:
                    request = set_level(log, request.id, what, "any")
            second += last
            clock.move(timedelta(seconds=last))
            before = request.urgency(clock.now())
            if since is None:
                track, budget = paused(seconds("dk-public", day), pauses), LEVELS[request.level].working_hours * 3600
                assert (request.clock.deadline - base).total_seconds() == walk_to(track, offset, budget)[0]
            request = start(log, request.id, "H")
        pauses += [(since, second)] if since is not None else []
        track = paused(seconds("dk-public", day), pauses)
        used = sum(track[offset:second])
        assert request.start is not None
        assert request.start.used_seconds == used
        assert request.start.in_time is (used <= LEVELS[request.level].working_hours * 3600)
        # What was told before anybody started agrees with the verdict.
        assert (before is Urgency.LATE) is (request.word(clock.now()) is Word.BROKEN)
        assert read(replace(place, actor="another"), ["sample"]) == {request.id: request}
        ledger.close()
