"""Notices end to end in the lab: approved with its key, sent over verified TLS to its mail server, with its faults."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
import yaml

from opsctl.lab import authority, clients, fault, keys, paths
from tests.lab.surroundings import ROOT, Answer, Opsctl
from tests.unit.notices.delivery import bounce

pytestmark = pytest.mark.lab
CUSTOMER, NOTICE = "sample-elmegaard", "release-6.0.0"


class Notices:
    """The lab's own settings with a ledger, folders and an address of this test's own."""

    def __init__(self, folder: Path, inventories: Path) -> None:
        keys.ensure_keys()
        (folder / "allowed_signers").write_text(keys.allowed_signers(), encoding="utf-8")
        self.address = f"it-{secrets.token_hex(4)}@elmegaard.example"
        profile = inventories / CUSTOMER / "profile.yml"
        text = profile.read_text(encoding="utf-8")
        assert "it@elmegaard.example" in text
        profile.write_text(text.replace("it@elmegaard.example", self.address), encoding="utf-8")
        settings = yaml.safe_load(clients.settings_text(ROOT))
        settings |= {"ledger": {"url": f"sqlite:///{folder}/ledger/ledger.db"}, "inventories": str(inventories),
                     "runs": str(folder / "runs"), "drafts": str(folder / "drafts"),
                     "approvals": {"allowed_signers": str(folder / "allowed_signers")}}
        settings["smtp"] |= {"command_seconds": 5, "answer_seconds": 5, "per_minute": 6000}
        assert settings["smtp"]["ca_file"] == str(paths.AUTHORITY_CERTIFICATE), "TLS is verified"
        (folder / "opsctl.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        self.opsctl = Opsctl(folder / "opsctl.yml")

    def __call__(self, *words: str) -> Answer:
        return self.opsctl("notice", *words, "--json")

    def ready(self) -> None:
        """Draft and approve."""
        for words in (("draft", CUSTOMER, "--kind", "major"),
                      ("approve", CUSTOMER, NOTICE, "--key", str(paths.APPROVER))):
            answer = self(*words)
            assert answer.code == 0, answer

    def state(self) -> str:
        return str(self("show", CUSTOMER, NOTICE).envelope["data"]["state"])

    def coverage(self) -> dict[str, str]:
        rows = self("coverage", "--release", "6.0.0").envelope["data"]["rows"]
        return next(row for row in rows if row["customer"] == CUSTOMER)

    def mails(self) -> list[EmailMessage]:
        """What the lab's mail server holds for this test's address, oldest first."""
        found = []
        for path in sorted(paths.MAIL.glob("*.eml")):
            message = message_from_bytes(path.read_bytes(), policy=policy.default)
            assert isinstance(message, EmailMessage)
            if message["X-Envelope-To"] == self.address:
                found.append(message)
        return found


@pytest.fixture
def notices(lab: Path, inventories: Path, tmp_path: Path) -> Notices:
    return Notices(tmp_path, inventories)


@contextmanager
def switched(kind: str) -> Iterator[None]:
    fault.set_fault("smtp", kind, on=True)
    try:
        yield
    finally:
        fault.set_fault("smtp", kind, on=False)


def test_from_draft_to_bounce(notices: Notices, tmp_path: Path) -> None:
    notices.ready()
    answer = notices("send", CUSTOMER, NOTICE)
    assert answer.code == 0, answer
    [mail] = notices.mails()
    assert (mail["X-Envelope-TLS"], mail["X-Envelope-From"]) == ("yes", mail["From"].addresses[0].addr_spec)
    assert mail["Subject"].startswith("[READY 6.0.0]") and mail["X-Unsent"] is None
    again = notices("send", CUSTOMER)
    assert again.code == 0 and "already sent" in again.stdout and len(notices.mails()) == 1
    row = notices.coverage()
    assert (row["informed"], row["reply"], row["approved_by"]) == ("yes", "250 2.0.0 Kept", keys.APPROVER)
    status = notices.opsctl("status", "--json").envelope["data"]
    assert "6.0.0 told" in json.dumps(status)
    returned = tmp_path / "bounce.eml"
    returned.write_bytes(bounce(mail["Message-ID"], notices.address))
    assert notices("bounce", str(returned)).code == 0
    row = notices.coverage()
    assert (row["informed"], notices.state()) == ("no", "bounced") and "5.1.1" in row["reason"]
    assert notices("remind").code == 8
    assert notices("send", CUSTOMER).code == 1 and len(notices.mails()) == 1, "what bounced is not sent again by itself"
    assert notices.opsctl("ledger", "verify").code == 0


def test_refused_for_now_is_sent_later_and_refused_for_good_is_not(notices: Notices) -> None:
    notices.ready()
    with switched("errors"):
        assert notices("send", CUSTOMER).code == 1
    assert notices.state() == "refused" and not notices.mails()
    with switched("refuse"):
        assert "refused for good" in notices("send", CUSTOMER).stdout
    assert notices("send", CUSTOMER).code == 1 and not notices.mails()
    assert notices.coverage()["reply"] == "550 5.1.1 [address] is unknown here"
    assert notices("send", CUSTOMER, NOTICE, "--again").code == 0 and len(notices.mails()) == 1


def test_a_connection_cut_after_the_content_is_unknown_and_a_person_decides(notices: Notices) -> None:
    notices.ready()
    with switched("drop"):
        assert notices("send", CUSTOMER).code == 1
    assert notices.state() == "unknown" and len(notices.mails()) == 1
    assert notices("send", CUSTOMER).code == 1 and notices("send", "--all").code != 0
    assert len(notices.mails()) == 1, "unknown is never sent again by itself"
    assert "unknown" in notices.coverage()["reason"]
    assert notices("send", CUSTOMER, NOTICE, "--again").code == 0
    first, second = notices.mails()
    assert first["Message-ID"] == second["Message-ID"], "so that a reader can tell that it is the same"


def test_a_frozen_server_gets_nothing_and_the_approval_stays(notices: Notices) -> None:
    notices.ready()
    with switched("freeze"):
        answer = notices("send", CUSTOMER)
        assert answer.code == 1 and "nothing was sent" in answer.stdout, answer
    assert notices.state() == "approved"
    assert notices("send", CUSTOMER).code == 0 and len(notices.mails()) == 1


def test_a_server_with_another_authority_gets_nothing(notices: Notices, tmp_path: Path,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    notices.ready()
    monkeypatch.setattr(paths, "AUTHORITY_CERTIFICATE", tmp_path / "other.pem")
    monkeypatch.setattr(authority, "_KEY", tmp_path / "other.key")
    authority.ensure_authority()
    config = tmp_path / "opsctl.yml"
    settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    settings["smtp"]["ca_file"] = str(tmp_path / "other.pem")
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    answer = notices("send", CUSTOMER)
    assert answer.code == 1 and "is not trusted" in answer.stdout, answer
    assert not notices.mails() and notices.state() == "approved"


def test_lab_up_writes_settings_with_which_notices_can_be_approved_and_sent(lab: Path) -> None:
    clients.write_client_files(ROOT)
    settings = yaml.safe_load(paths.SETTINGS.read_text(encoding="utf-8"))
    assert Path(settings["approvals"]["allowed_signers"]).read_text(encoding="utf-8") == keys.allowed_signers()
    assert paths.APPROVER.stat().st_mode & 0o777 == 0o600
    answer = Opsctl(paths.SETTINGS)("notice", "coverage", "--release", "6.0.0", "--json")
    assert answer.code == 0, answer
