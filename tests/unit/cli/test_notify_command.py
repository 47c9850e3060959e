"""`opsctl report notify` with Apprise: who was told, and who was not, with the exit code."""

from pathlib import Path

import pytest

from opsctl.core.clock import FixedClock
from opsctl.core.progress import Silent
from opsctl.ledger import open_ledger
from opsctl.profiles.settings import Settings
from opsctl.runs.workplace import Workplace
from tests.unit.cli.conftest import Run
from tests.unit.report import test_outputs
from tests.unit.report.test_outputs import NOW, Receiver, checked

receiver = test_outputs.receiver


@pytest.mark.slow
def test_the_command_tells_who_was_told(opsctl: Run, tmp_path: Path, receiver: Receiver) -> None:
    assert opsctl("report", "notify").code == 3
    addresses = tmp_path / "apprise"
    addresses.touch(0o600)
    addresses.write_text(f"chat = json://127.0.0.1:{receiver.server_port}/token\n")
    with (tmp_path / "opsctl.yml").open("a") as settings:
        settings.write(f"outputs: {{apprise: 'file:{addresses}'}}\n")
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", FixedClock(NOW))
    clock = FixedClock(NOW)
    checked(Workplace(Settings(), ledger, clock, Silent(), "t", tmp_path, tmp_path), "down")
    ledger.close()
    answer = opsctl("report", "notify", "--json")
    assert answer.code == 0, answer
    (chat,) = answer.envelope["data"]["told"]
    assert chat["receiver"] == "apprise chat"
    assert "component api" in {alert["what"] for alert in chat["alerts"]}
    receiver.answer = 500
    addresses.write_text(addresses.read_text().replace("chat", "other"))
    again = opsctl("report", "notify")
    assert again.code == 1 and "apprise other" in again.stdout and "token" not in again.stdout + again.stderr
