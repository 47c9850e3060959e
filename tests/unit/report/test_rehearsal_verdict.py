"""What `status` says of restores for the exercise: the gravest of a customer's databases."""

from __future__ import annotations

from datetime import date

import pytest

from opsctl.backup.rehearsals import Rehearsal, RehearsalState
from opsctl.promises.model import Word
from opsctl.report.status import rehearsal_verdict

DAY = date(2026, 11, 20)


@pytest.mark.parametrize(("state", "word", "words"), [
    (Rehearsal.IN_TIME, Word.KEPT, "restored 2026-11-20, 12.5 s"), (Rehearsal.DUE, Word.NOT_DUE, "due"),
    (Rehearsal.LATE, Word.BROKEN, "late: last restored 2026-11-20"), (Rehearsal.FAILED, Word.BROKEN, "no identity"),
    (Rehearsal.NONE, Word.UNKNOWN, "no identity")])
def test_each_state_has_its_word(state: Rehearsal, word: Word, words: str) -> None:
    found = rehearsal_verdict([RehearsalState("ready", state, "no identity matched", DAY, 12.5)])
    assert (found.word, words in found.detail) == (word, True)


def test_the_gravest_database_speaks() -> None:
    states = [RehearsalState("ready", Rehearsal.IN_TIME, "", DAY, 1.0), RehearsalState("archive", Rehearsal.LATE, "")]
    assert str(rehearsal_verdict(states)) == "broken: late: never restored"
