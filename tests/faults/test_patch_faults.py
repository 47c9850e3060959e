"""Faults of patching on a real host, by the command: what is broken, full, forged, or not what was approved."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from opsctl.core.errors import ExitCode
from opsctl.core.outcome import Status
from opsctl.lab import packages, paths
from opsctl.maintenance.service import apply, plan
from opsctl.profiles.model import KamstrupProfile
from opsctl.profiles.rollout import ApprovalNeed, PlanApprovals
from opsctl.profiles.settings import ApprovalSettings
from opsctl.runs.approval import approve, ask
from opsctl.runs.workplace import Workplace
from tests.lab.guests import on
from tests.lab.patch_support import current, installed, offered
from tests.lab.surroundings import Opsctl

pytestmark = pytest.mark.lab
HOST, CUSTOMER = "cedervig-1", "sample-cedervig"


@pytest.fixture
def cedervig(workplace: Workplace) -> KamstrupProfile:
    return current(workplace, CUSTOMER)


def test_a_package_that_breaks_is_a_failure_and_the_next_version_mends_it(
        cedervig: KamstrupProfile, opsctl: Opsctl, workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = packages.third_party
    with monkeypatch.context() as patched:
        patched.setattr(packages, "third_party", lambda name, version: replace(
            sound(name, version), scripts={"postinst": "#!/bin/sh\necho it breaks >&2\nexit 3\n"}))
        with offered("metertools") as broken:
            first = opsctl("patch", "apply", CUSTOMER, "--yes", "--json")
    assert first.code == ExitCode.FAILED, first
    entry = workplace.ledger.last(CUSTOMER, "patch.applied")
    assert entry is not None and entry.payload["result"] == "failed"
    assert "apt-get install ended with 100" in entry.payload["message"]
    assert on(HOST, "dpkg-query -W -f '${db:Status-Status}' metertools") == "half-configured"
    assert opsctl("resolve", CUSTOMER, "--reason", "metertools is offered in a version that works").code == 0
    with offered("metertools") as versions:
        again = opsctl("patch", "apply", CUSTOMER, "--yes", "--json")
        assert again.code == 0, (again, broken)
        assert installed(HOST, "metertools") == versions
        assert on(HOST, "dpkg --audit") == ""


def test_a_full_disk_is_told_before_anything_is_installed(cedervig: KamstrupProfile, opsctl: Opsctl) -> None:
    with offered("metertools") as versions:
        before = installed(HOST, "metertools")
        on(HOST, "mount -t tmpfs -o size=4k none /var/cache/apt/archives && mkdir /var/cache/apt/archives/partial; "
                 "dd if=/dev/zero of=/var/cache/apt/archives/filler bs=1k 2>/dev/null || true")
        try:
            failed = opsctl("patch", "apply", CUSTOMER, "--yes", "--json")
        finally:
            on(HOST, "umount /var/cache/apt/archives")
        assert failed.code == ExitCode.FAILED, failed
        assert re.search("space|No space left", failed.stdout), failed
        assert installed(HOST, "metertools") == before
        assert on(HOST, "dpkg --audit") == ""
        assert opsctl("resolve", CUSTOMER, "--reason", "room was made").code == 0
        assert opsctl("patch", "apply", CUSTOMER, "--yes").code == 0
        assert installed(HOST, "metertools") == versions


@contextmanager
def forged_index() -> Iterator[None]:
    """The signed index of every suite, changed by somebody after it was signed."""
    files = list((paths.REPOSITORY / "dists").glob("*/InRelease"))
    kept = {file: file.read_bytes() for file in files}
    try:
        for file, content in kept.items():
            file.write_bytes(content.replace(b"Origin: opsctl-lab", b"Origin: somebody-x", 1))
        yield
    finally:
        for file, content in kept.items():
            file.write_bytes(content)


def test_a_repository_with_a_bad_signature_is_never_up_to_date(cedervig: KamstrupProfile, opsctl: Opsctl) -> None:
    with offered("metertools"):
        before = installed(HOST, "metertools")
        with forged_index():
            planned = opsctl("patch", "plan", CUSTOMER, "--json")
            failed = opsctl("patch", "apply", CUSTOMER, "--yes", "--json")
        for answer in (planned, failed):
            assert answer.code == ExitCode.FAILED, answer
            assert "apt-get update failed" in answer.stdout and re.search("GPG|signature|signed", answer.stdout), answer
        assert installed(HOST, "metertools") == before


def test_an_inventory_that_changed_after_the_plan_and_a_plan_for_another(
        cedervig: KamstrupProfile, opsctl: Opsctl, inventories: Path, tmp_path: Path) -> None:
    with offered("metertools"):
        before = installed(HOST, "metertools")
        planned = opsctl("patch", "plan", CUSTOMER, "--output", str(tmp_path / "plans"), "--json")
        (file,) = planned.envelope["data"]["files"]
        other = opsctl("patch", "apply", "sample-aalund", "--plan", file, "--yes")
        assert other.code == ExitCode.USAGE and f"the plan is for {CUSTOMER} alone" in other.stderr
        profile = inventories / CUSTOMER / "profile.yml"
        text = profile.read_text(encoding="utf-8")
        profile.write_text(text.replace("name: cedervig-1,", "name: cedervig-one,")
                           .replace("host: cedervig-1", "host: cedervig-one"), encoding="utf-8")
        changed = opsctl("patch", "apply", CUSTOMER, "--plan", file, "--yes", "--json")
        assert changed.code == ExitCode.APPROVAL, changed
        assert "the inventory changed" in changed.stdout and "cedervig-one: is new" in changed.stdout
        assert installed(HOST, "metertools") == before
        profile.write_text(text, encoding="utf-8")
        document = json.loads(Path(file).read_text(encoding="utf-8"))
        document["hosts"] = []
        Path(file).write_text(json.dumps(document), encoding="utf-8")
        assert opsctl("patch", "apply", CUSTOMER, "--plan", file, "--yes").code == ExitCode.CONFIGURATION


class Later:
    """A clock that is ahead."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(hours=73)


def test_an_approval_that_expired_or_that_the_requester_signed_installs_nothing(
        cedervig: KamstrupProfile, workplace: Workplace, tmp_path: Path) -> None:
    lines = []
    for name in ("tests", "somebody"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)], check=True)
        kind, key, *_ = (tmp_path / f"{name}.pub").read_text(encoding="utf-8").split()
        lines.append(f'{name} namespaces="opsctl-plan" {kind} {key}\n')
    (tmp_path / "signers").write_text("".join(lines), encoding="utf-8")
    place = replace(workplace, settings=workplace.settings.model_copy(
        update={"approvals": ApprovalSettings(allowed_signers=tmp_path / "signers")}))
    one, another = (cedervig.model_copy(update={"approvals": PlanApprovals(patch=need)})
                    for need in (ApprovalNeed.ONE_PERSON, ApprovalNeed.ANOTHER_PERSON))
    with offered("metertools") as versions:
        before = installed(HOST, "metertools")
        made = plan(place, [cedervig])[0]
        ask(place, CUSTOMER, made.hash, "patch")
        approve(place, CUSTOMER, made.hash, tmp_path / "tests", ApprovalNeed.ONE_PERSON)
        mine = apply(place, another, plan=made)
        assert mine.code is ExitCode.APPROVAL and "another person" in mine.summary, mine
        late = apply(replace(place, clock=Later()), one, plan=made)
        assert late.code is ExitCode.APPROVAL and "expired" in late.summary, late
        assert installed(HOST, "metertools") == before
        approve(place, CUSTOMER, made.hash, tmp_path / "somebody", ApprovalNeed.ANOTHER_PERSON)
        done = apply(place, another, plan=made)
        assert done.status is Status.DONE, done
        assert installed(HOST, "metertools") == versions
