"""P17 over 400 simulated days: failures, doubles, missed prunes, removals cut short by a restart, clocks that jump."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from opsctl.backup.retention import Candidate, Decision, decide

START = datetime(2026, 1, 1, 2, 15, tzinfo=UTC)
KEEP = timedelta(days=30)


@dataclass(frozen=True)
class Night:
    """What happens in one night. wrong: by how many hours the control machine's clock is off at the prune.

    jump: the same of the store's clock. cut: after so many removals the process dies and is started again tomorrow.
    """

    backups: tuple[bool, ...]
    minutes: int
    prune: bool
    wrong: int
    jump: int
    cut: int | None


NIGHTS = st.builds(
    Night, backups=st.lists(st.booleans(), max_size=3).map(tuple), minutes=st.integers(0, 23 * 60),
    prune=st.booleans(), wrong=st.sampled_from([0, 0, 0, 0, 0, -24 * 400, 24 * 400, 1, -1]),
    jump=st.sampled_from([0, 0, 0, 0, -24 * 90, 24 * 90]), cut=st.sampled_from([None, None, None, 0, 1, 2]))


@settings(max_examples=40, deadline=None)
@given(st.lists(NIGHTS, min_size=1, max_size=60), st.integers(1, 5))
def test_the_promise_holds_on_every_day(pattern: list[Night], minimum: int) -> None:
    """The pattern repeats to 400 nights; a long stretch of failures is a pattern without a good backup."""
    kept: list[Candidate] = []
    for day in range(400):
        night = pattern[day % len(pattern)] if day < 200 or len(pattern) < 3 else pattern[day % (len(pattern) // 2 + 1)]
        now = START + timedelta(days=day, minutes=night.minutes)
        kept += [Candidate(f"{day:03}-{number}", "ready", now, good) for number, good in enumerate(night.backups)]
        if not night.prune:
            continue
        found = decide(kept, now + timedelta(hours=night.jump), now + timedelta(hours=night.wrong), keep_days=30,
                       minimum_good=minimum)
        gone = [verdict.backup for verdict in found if verdict.decision is Decision.REMOVE][:night.cut]
        rest = [backup for backup in kept if backup not in gone]
        # Nothing young goes, and nothing at all by a wrong clock, whichever of the two it is.
        assert all(now - backup.modified >= KEEP for backup in gone)
        assert not (gone and (night.wrong or night.jump))
        # As many good ones as there were, up to the minimum, and they are the newest.
        good = sorted((backup for backup in kept if backup.good), key=lambda item: (item.modified, item.backup_id))
        assert set(good[-minimum:]) <= set(rest)
        # What is past its time and not needed does go, so that storage is bounded.
        if not night.wrong and not night.jump and night.cut is None:
            assert all(now - backup.modified < KEEP or backup in good[-minimum:] for backup in rest)
        kept = rest
