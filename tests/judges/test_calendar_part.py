"""circuit-maintenance-parser reads the calendar part as a maintenance note, alone and inside the mail."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsctl.notices.model import NoticeKind
from tests.judges.mails import Mail
from tests.judges.programs import python

pytestmark = pytest.mark.slow
STATUS = {NoticeKind.PLANNED: "CONFIRMED", NoticeKind.MAINTENANCE_PLANNED: "CONFIRMED",
          NoticeKind.MAINTENANCE_CHANGED: "RE-SCHEDULED", NoticeKind.MAINTENANCE_CANCELLED: "CANCELLED",
          NoticeKind.MAINTENANCE_DONE: "COMPLETED"}


@pytest.mark.parametrize("ending", [".ics", "sent.eml"])
def test_each_announcement_is_read_as_it_was_meant(mails: list[Mail], ending: str) -> None:
    dated = [mail for mail in mails if mail.facts.happens is not None]
    assert {mail.facts.kind for mail in dated} == set(STATUS)
    for mail, notes in zip(dated, python("maintenance.py", [path for mail in dated if (path := mail.file(ending))]),
                           strict=True):
        [note] = notes
        happens = mail.facts.happens
        assert happens is not None
        assert (note["start"], note["end"]) == (int(happens.start.timestamp()), int(happens.end.timestamp()))
        assert note["account"] == mail.facts.customer and note["status"] == STATUS[mail.facts.kind]
        assert note["circuits"] == [{"circuit_id": "READY", "impact": "OUTAGE"}] and note["sequence"] == 1
        assert note["maintenance_id"] in {mail.facts.notice, mail.facts.notice.removeprefix("maintenance.")}


def test_the_judge_refuses_a_note_without_its_impact(mails: list[Mail], tmp_path: Path) -> None:
    good = next(path for mail in mails if (path := mail.file(".ics")))
    bad = tmp_path / "bad.ics"
    bad.write_bytes(b"\r\n".join(line for line in good.read_bytes().split(b"\r\n") if b"MAINTNOTE-IMPACT" not in line))
    with pytest.raises(AssertionError, match=r"(?i)impact|maintnote|failed"):
        python("maintenance.py", [bad])
