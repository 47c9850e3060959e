"""`window list` as people read it: whose clock, which day, until when something may start."""

from pathlib import Path

from tests.unit.cli.conftest import ROOT, Run


def test_each_end_has_its_day_and_each_time_its_offset(opsctl: Run, tmp_path: Path) -> None:
    folder = tmp_path / "inventories" / "sample-aalund"
    folder.mkdir(parents=True)
    text = (ROOT / "inventories" / "sample-aalund" / "profile.yml").read_text(encoding="utf-8")
    text = text.replace('start: "00:00"\n    end: "00:00"', 'start: "22:30"\n    end: "04:00"')
    (folder / "profile.yml").write_text(text, encoding="utf-8")
    config = tmp_path / "opsctl.yml"
    config.write_text(config.read_text(encoding="utf-8").replace(f"{ROOT}/inventories", "inventories"),
                      encoding="utf-8")
    answer = opsctl("window", "list", "sample-aalund", "--next", "1", "--at", "2026-10-24T12:00:00+02:00")
    row = answer.stdout.splitlines()[2]
    assert "Sat 2026-10-24 22:30 CEST to Sun 2026-10-25 04:00 CET (Europe/Copenhagen)" in row
    assert "2026-10-24 20:30 to Sun 2026-10-25 03:00" in row
    assert "Sun 04:00 CET" in row
