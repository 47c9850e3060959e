"""Approve with real keys and send to a real server, by the real command line in processes of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest
import yaml

from opsctl.core.clock import SystemClock
from opsctl.ledger import open_ledger
from tests.contracts.smtp_server import Script, serving
from tests.lab.surroundings import ROOT, Answer
from tests.unit.notices.delivery import bounce

CUSTOMER, NOTICE = "sample-elmegaard", "release-6.0.0"


class Operator:
    """A folder with settings, profiles, releases, keys and a ledger of its own, and the command line in it."""

    def __init__(self, folder: Path, script: Script) -> None:
        self.folder, self.script = folder, script
        for name in ("inventories", "releases", "templates"):
            shutil.copytree(ROOT / name, folder / name)
        lines = []
        for name in ("drafter", "anna", "stranger"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
            if name != "stranger":
                key = (folder / f"{name}.pub").read_text(encoding="utf-8")
                lines.append(f'{name}@vendor.example namespaces="opsctl-notice" {key}')
        (folder / "allowed_signers").write_text("".join(lines), encoding="utf-8")
        self.settings(smtp={"host": "127.0.0.1", "port": script.port, "tls": "none-loopback-only", "per_minute": 6000},
                      approvals={"allowed_signers": "allowed_signers"})

    def settings(self, **more: object) -> None:
        (self.folder / "opsctl.yml").write_text(yaml.safe_dump({
            "ledger": {"url": f"sqlite:///{self.folder}/ledger.db"}, "runs": "runs", "drafts": "drafts", **more}),
            encoding="utf-8")

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "opsctl", *words], cwd=ROOT, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C.UTF-8", "OPSCTL_ACTOR": "drafter",
                 "OPSCTL_CONFIG": str(self.folder / "opsctl.yml")})

    def __call__(self, *words: str) -> Answer:
        child = self.start("notice", *words, "--json")
        out, err = child.communicate(timeout=60)
        return Answer(child.returncode, out, err)

    def approve(self, key: str = "anna") -> Answer:
        return self("approve", CUSTOMER, NOTICE, "--key", str(self.folder / key))

    def draft(self, *customers: str) -> Answer:
        """The notice of the newest release, which is a major one for both samples."""
        return self("draft", *(customers or (CUSTOMER,)), "--kind", "major")

    def ready(self) -> None:
        assert self.draft().code == 0
        answer = self.approve()
        assert answer.code == 0, answer

    def edit(self, path: str, before: str, after: str) -> None:
        text = (self.folder / path).read_text(encoding="utf-8")
        assert before in text
        (self.folder / path).write_text(text.replace(before, after), encoding="utf-8")

    def kinds(self) -> list[str]:
        ledger = open_ledger(f"sqlite:///{self.folder}/ledger.db", SystemClock())
        found = [entry.kind for entry in ledger.entries(CUSTOMER) if entry.kind.startswith("notice.")]
        assert "elmegaard.example" not in str([dict(entry.payload) for entry in ledger.entries()])
        ledger.close()
        return found


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    with serving(Script()) as script:
        yield Operator(tmp_path, script)


PROFILE = f"inventories/{CUSTOMER}/profile.yml"


def test_approved_and_sent_once(operator: Operator) -> None:
    operator.ready()
    answer = operator("send", CUSTOMER, NOTICE)
    assert answer.code == 0, answer
    [(sender, recipients, content, _)] = operator.script.kept
    message = message_from_bytes(content, policy=policy.SMTP)
    assert recipients == ["it@elmegaard.example"] and sender == message["From"].addresses[0].addr_spec
    assert message["X-Unsent"] is None and message["Date"] is not None
    assert operator.kinds() == ["notice.drafted", "notice.approved", "notice.sending", "notice.accepted"]
    again = operator("send", CUSTOMER)
    assert again.code == 0 and "already sent" in again.stdout and len(operator.script.kept) == 1
    assert len(operator.kinds()) == 4
    [kept] = (operator.folder / "drafts" / CUSTOMER / NOTICE / "1.sent").iterdir()
    assert kept.read_bytes() == content


def test_who_was_told(operator: Operator) -> None:
    operator.ready()
    assert {row["state"] for row in operator("list").envelope["data"]["notices"]} == {"approved"}
    assert operator("check").code == 0
    assert operator("send", CUSTOMER).code == 0
    table = operator.folder / "told.csv"
    rows = {row["customer"]: row for row in operator("coverage", "--release", "6.0.0", "--csv", str(table)
                                                     ).envelope["data"]["rows"]}
    assert rows[CUSTOMER]["informed"] == "yes" and rows[CUSTOMER]["reply"] == "250 2.0.0 queued as 4ABC"
    assert rows[CUSTOMER]["approved_by"] == "anna@vendor.example"
    assert rows["sample-dalmose"]["reason"] == "not drafted" and "by work" in rows["sample-aalund"]["reason"]
    assert table.stat().st_mode & 0o777 == 0o600
    assert "it@elmegaard.example" in table.read_text(encoding="utf-8")
    shown = operator("show", CUSTOMER, NOTICE).envelope["data"]
    assert shown["state"] == "sent" and "READY 6.0.0" in shown["texts"][0]


@pytest.mark.parametrize("key", ["drafter", "stranger"])
def test_who_may_not_approve(operator: Operator, key: str) -> None:
    assert operator.draft().code == 0
    answer = operator.approve(key)
    assert answer.code == 6, answer
    assert operator("send", CUSTOMER).code == 6
    assert operator("send", "--all").code == 0, "what waits for approval is no failure of a job"
    assert not operator.script.kept and operator.kinds() == ["notice.drafted"]


def test_a_forged_or_revoked_approval(operator: Operator) -> None:
    operator.ready()
    (operator.folder / "allowed_signers").write_text("", encoding="utf-8")
    assert operator("send", CUSTOMER).code == 6
    assert not operator.script.kept


@pytest.mark.parametrize(("path", "before", "after", "said"), [
    (PROFILE, "it@elmegaard", "new@elmegaard", "contacts"),
    ("releases/6.0.0.yml", "schema_version: 1", "schema_version: 1\nrevision: 2", "release"),
    ("releases/6.0.0.yml", "status: published", "status: withdrawn\nwithdrawn: {at: 2026-11-23T09:00:00+01:00, reason: "
     "{en: a, da: b, de: c}}", "withdrawn"),
    ("templates/notices/brand.yml", "+45 00 00 00 00", "+45 00 00 00 01", "wording"),
    (f"drafts/{CUSTOMER}/{NOTICE}/1/message.eml", "Subject: ", "Subject: x", "altered"),
], ids=["recipients", "release file", "withdrawn", "wording", "draft's file"])
def test_what_voids_an_approval(operator: Operator, path: str, before: str, after: str, said: str) -> None:
    operator.ready()
    operator.edit(path, before, after)
    answer = operator("send", CUSTOMER)
    assert answer.code == 6 and said in answer.envelope["errors"][0]["message"], answer
    assert not operator.script.kept


def test_an_ended_agreement_and_a_hosted_system(operator: Operator) -> None:
    operator.ready()
    operator.edit(PROFILE, "valid_to: 2027-08-31", "valid_to: 2021-12-31")
    assert operator("send", CUSTOMER).code == 4
    assert operator("send", "sample-aalund").code == 4
    assert not operator.script.kept


def test_a_strange_address_needs_a_confirmation(operator: Operator) -> None:
    operator.edit(PROFILE, "it@elmegaard.example", "it@elsewhere.example")
    assert operator.draft().code == 0
    assert operator.approve().code == 3
    operator.edit(PROFILE, "it@elsewhere.example", "it@elsewhere.example\n    confirmed: true")
    assert operator.approve().code == 0 and operator("send", CUSTOMER).code == 0


def test_4xx_later_5xx_not(operator: Operator) -> None:
    operator.ready()
    operator.script.refuse = {"it": "451 4.3.0 later"}
    first = operator("send", CUSTOMER)
    assert first.code == 1 and "refused for now" in first.stdout
    operator.script.refuse = {"it": "550 5.1.1 <it@elmegaard.example> unknown"}
    assert "refused for good" in operator("send", CUSTOMER).stdout
    operator.script.refuse = {}
    third = operator("send", CUSTOMER)
    assert third.code == 1 and not operator.script.kept and operator("check").code == 8
    assert operator("send", CUSTOMER, "--again").code == 2, "a person names the notice too"
    assert operator("send", CUSTOMER, NOTICE, "--again").code == 0 and len(operator.script.kept) == 1
    assert operator.kinds()[2:] == ["notice.sending", "notice.refused"] * 2 + ["notice.sending", "notice.accepted"]


def test_unknown_is_never_sent_again_by_itself(operator: Operator) -> None:
    operator.ready()
    operator.script.drop = True
    assert operator("send", CUSTOMER).code == 1
    operator.script.drop = False
    answer = operator("send", CUSTOMER)
    assert answer.code == 1 and "unknown" in answer.stdout and len(operator.script.kept) == 1


def test_a_killed_sender_leaves_unknown_and_never_a_second_mail(operator: Operator) -> None:
    operator.ready()
    operator.script.hold = True
    child = operator.start("notice", "send", CUSTOMER)
    assert operator.script.got.wait(30)
    assert operator.kinds()[-1] == "notice.sending", "written before the step"
    assert operator("send", CUSTOMER).code == 75, "a lease keeps two senders apart"
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=20)
    operator.script.go.set()
    ledger = open_ledger(f"sqlite:///{operator.folder}/ledger.db", SystemClock())
    for lease in ledger.leases():
        ledger.release(lease)  # as its time would
    ledger.close()
    answer = operator("send", CUSTOMER)
    assert answer.code == 1 and "unknown" in answer.stdout, answer
    assert operator.kinds()[-2:] == ["notice.sending", "notice.unknown"] and len(operator.script.kept) == 1


def test_a_batch_stops_at_the_first_refusal_for_policy(operator: Operator) -> None:
    operator.ready()
    assert operator.draft("sample-dalmose").code == 0
    assert operator("approve", "sample-dalmose", NOTICE, "--key", str(operator.folder / "anna")).code == 0
    operator.script.refuse = {"it": "550 5.7.1 no relaying for you"}
    answer = operator("send", "--all")
    assert answer.code == 1, answer
    rows = {row["customer"]: row["summary"] for row in answer.envelope["data"]["outcomes"]}
    assert "refused for good" in rows["sample-dalmose"] and "not tried" in rows[CUSTOMER]
    assert "notice.sending" not in operator.kinds()


@pytest.mark.parametrize(("path", "before", "after", "code", "said"), [
    ("releases/6.0.0.yml", "status: published", "status: withdrawn\nwithdrawn: {at: 2026-11-23T09:00:00+01:00, reason: "
     "{en: a, da: b, de: c}}", 6, "withdrawn"),
    ("releases/6.0.0.yml", "status: published", "status: soon", 3, "release files"),
    (PROFILE, "it@elmegaard", "new@elmegaard", 6, "contacts"),
    (PROFILE, "schema_version: 1", "schema_version: 0", 3, "profile.yml"),
], ids=["withdrawn", "release file broken", "another contact", "profile broken"])
def test_what_changes_while_others_get_their_mails(operator: Operator, path: str, before: str, after: str, code: int,
                                                   said: str) -> None:
    operator.ready()
    assert operator.draft("sample-dalmose").code == 0
    assert operator("approve", "sample-dalmose", NOTICE, "--key", str(operator.folder / "anna")).code == 0
    operator.script.hold = True
    child = operator.start("notice", "send", "--all", "--json")
    assert operator.script.got.wait(30)
    operator.edit(path, before, after)
    operator.script.go.set()
    out, err = child.communicate(timeout=60)
    rows = {row["customer"]: row for row in Answer(child.returncode, out, err).envelope["data"]["outcomes"]}
    assert rows["sample-dalmose"]["status"] == "done" and len(operator.script.kept) == 1, rows
    assert rows[CUSTOMER]["exit_code"] == code and said in rows[CUSTOMER]["summary"], rows[CUSTOMER]
    assert "notice.sending" not in operator.kinds()


def test_settings_that_are_missing(operator: Operator) -> None:
    assert operator.draft().code == 0
    operator.settings()
    assert operator.approve().code == 3
    assert operator("send", CUSTOMER).code == 6


def test_without_a_name_everything_approved_is_sent_each_once(operator: Operator) -> None:
    assert operator("draft", CUSTOMER).code == 0
    drafted = [row["notice"] for row in operator("list", CUSTOMER).envelope["data"]["notices"]]
    assert NOTICE in drafted and len(drafted) > 1, "more than a release is due"
    assert operator("send", CUSTOMER).code == 6
    for notice in drafted:
        assert operator("approve", CUSTOMER, notice, "--key", str(operator.folder / "anna")).code == 0
    answer = operator("send", CUSTOMER)
    assert answer.code == 0, answer
    assert len(operator.script.kept) == len(answer.envelope["data"]["outcomes"]) == len(drafted)
    again = operator("send", "--all")
    assert again.code == 0 and "already sent" in again.stdout and len(operator.script.kept) == len(drafted)


def test_only_the_draft_that_was_read_is_approved(operator: Operator) -> None:
    assert operator.draft().code == 0
    read = operator("show", CUSTOMER, NOTICE).envelope["data"]["sha256"]
    operator.edit("templates/notices/brand.yml", "+45 00 00 00 00", "+45 00 00 00 01")
    assert operator.draft().code == 0
    key = ("--key", str(operator.folder / "anna"))
    assert operator("approve", CUSTOMER, NOTICE, *key, "--sha256", read).code == 6
    assert operator.kinds() == ["notice.drafted"] * 2
    now = operator("show", CUSTOMER, NOTICE).envelope["data"]["sha256"]
    assert operator("approve", CUSTOMER, NOTICE, *key, "--sha256", now).code == 0


def test_a_security_contact_outside_the_domains_needs_a_confirmation_too(operator: Operator) -> None:
    operator.edit(PROFILE, "domains:", "  - {name: Watch (sample), email: watch@elsewhere.example, roles: [security]}\n"
                  "domains:")
    assert operator.draft().code == 0
    answer = operator.approve()
    assert answer.code == 3 and "contacts[1]" in answer.stdout, answer


def test_a_bounce_is_recorded_once(operator: Operator) -> None:
    operator.ready()
    assert operator("send", CUSTOMER).code == 0
    [(_, _, content, _)] = operator.script.kept
    identity = message_from_bytes(content, policy=policy.SMTP)["Message-ID"]
    file = operator.folder / "bounce.eml"
    file.write_bytes(bounce(str(identity)))
    assert operator("bounce", str(file)).code == 0
    assert "recorded already" in operator("bounce", str(file)).stdout
    file.write_bytes(content)
    assert operator("bounce", str(file)).code == 2, "a notice is no bounce"
    assert operator("bounce", str(operator.folder)).code == 2
    assert operator.kinds().count("notice.bounced") == 1
    table = operator.folder / "told.csv"
    rows = operator("coverage", "--release", "6.0.0", "--csv", str(table)).envelope["data"]["rows"]
    assert [row["reason"][:10] for row in rows if row["customer"] == CUSTOMER] == ["it bounced"]
    assert "it bounced: failed: 5.1.1" in table.read_text(encoding="utf-8")
    assert operator("remind").code == 8
