"""Kamstrup API Access on the lab's READY: checked, and its key replaced without a gap, also after a crash."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from opsctl.core.errors import ExitCode
from opsctl.core.outcome import Status
from opsctl.records import api_keys, api_rotation
from opsctl.records.api_check import check
from opsctl.records.api_rotation import rotate, withdraw
from opsctl.runs.workplace import Workplace
from tests.lab.guests import on, ready
from tests.lab.surroundings import LAB, Opsctl, hosted

pytestmark = pytest.mark.lab
CUSTOMER, HOST = "sample-aalund", "aalund-1"
ON_HOST = "/etc/ready/api-token"


@pytest.fixture
def key(inventories: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the customer's key for this test's profile; afterwards the host accepts what it did before."""
    real, copy = LAB / "secrets" / f"{CUSTOMER}-api-token", tmp_path / "secrets" / "api-token"
    copy.parent.mkdir(mode=0o700)
    shutil.copy(real, copy)
    copy.chmod(0o600)
    profile = inventories / CUSTOMER / "profile.yml"
    profile.write_text(profile.read_text(encoding="utf-8").replace(str(real), str(copy)), encoding="utf-8")
    rights = on(HOST, f"stat -c '%U:%G %a' {ON_HOST}")
    on(HOST, f"cp -p {ON_HOST} /root/api-token.before")
    try:
        yield copy
        assert on(HOST, f"stat -c '%U:%G %a' {ON_HOST}") == rights, "owner and rights stay"
    finally:
        on(HOST, f"mv /root/api-token.before {ON_HOST}")


def accepted(key: str) -> bool:
    return ready(HOST, "/api/v1/meters", token=key)[0] == 200


def test_the_customer_s_key_is_replaced_without_a_gap_and_the_old_one_dies(key: Path, workplace: Workplace) -> None:
    profile = hosted(workplace, CUSTOMER)
    old = key.read_text().strip()
    assert check(workplace, profile).status is Status.DONE
    done = rotate(workplace, profile)
    new = key.read_text().strip()
    assert (done.status, new != old, accepted(new), accepted(old)) == (Status.DONE, True, True, True), done
    assert key.stat().st_mode & 0o777 == 0o600
    overlapping = check(workplace, profile)
    assert (overlapping.status, "old key is accepted" in overlapping.summary) == (Status.WARNING, True)
    assert rotate(workplace, profile).status is Status.UNCHANGED
    assert key.read_text().strip() == new
    dead = withdraw(workplace, profile)
    assert (dead.status, accepted(new), accepted(old)) == (Status.DONE, True, False), dead
    assert [path.name for path in key.parent.iterdir()] == ["api-token"]
    assert withdraw(workplace, profile).status is Status.UNCHANGED
    assert check(workplace, profile).status is Status.DONE
    recorded = "".join(workplace.ledger.export())
    assert old not in recorded and new not in recorded
    assert workplace.ledger.last(CUSTOMER, "api-key.withdrawn") is not None
    left = [path for path in (workplace.runs.rglob("*") if workplace.runs.exists() else ()) if path.is_file()]
    assert not any(text in path.read_text(errors="replace") for path in left for text in (old, new))


@pytest.mark.parametrize("step", ["before the hosts know the new key", "before the new key is in use",
                                  "before the old key is forgotten"])
def test_a_run_that_dies_between_two_steps_is_taken_up(step: str, key: Path, workplace: Workplace,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    profile = hosted(workplace, CUSTOMER)
    old = key.read_text().strip()

    def die(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if step.startswith("before the hosts"):
            patch.setattr(api_rotation, "_change", die)
        elif step.startswith("before the new"):
            patch.setattr(api_keys.KeyFiles, "switch", die)
        else:
            patch.setattr(api_keys.KeyFiles, "forget_previous", die)
        with pytest.raises(KeyboardInterrupt):
            rotate(workplace, profile, at_once=True)
    assert accepted(key.read_text().strip()), "whatever happened, the key in use is accepted"
    assert rotate(workplace, profile, at_once=True).code is ExitCode.OK
    new = key.read_text().strip()
    assert (new != old, accepted(new), accepted(old)) == (True, True, False)
    assert [path.name for path in key.parent.iterdir()] == ["api-token"]


def test_a_wrong_key_and_a_wrong_version_are_found_and_nothing_is_rotated(key: Path, inventories: Path,
                                                                         opsctl: Opsctl) -> None:
    profile = inventories / CUSTOMER / "profile.yml"
    profile.write_text(profile.read_text(encoding="utf-8").replace("version: 5.4.0", "version: 5.5.0"),
                       encoding="utf-8")
    before = on(HOST, f"sha256sum {ON_HOST}")
    handle = os.open(key, os.O_WRONLY | os.O_TRUNC)
    os.write(handle, b"not-the-key\n")
    os.close(handle)
    answer = opsctl("api", "check", CUSTOMER, "--json")
    said = answer.envelope["data"]["outcomes"][0]
    assert (answer.code, said["status"]) == (8, "check failed")
    assert "the customer's key is refused" in said["summary"]
    assert "the profile says 5.5.0" in said["summary"]
    refused = opsctl("api", "rotate", CUSTOMER)
    assert (refused.code, "answers 401" in refused.stdout) == (1, True), refused
    assert "not-the-key" not in answer.stdout + answer.stderr + refused.stdout + refused.stderr
    assert on(HOST, f"sha256sum {ON_HOST}") == before
    monitored = opsctl("api", "check", CUSTOMER, "--format", "nagios")
    assert (monitored.code, monitored.stdout.startswith("API CRITICAL")) == (2, True), monitored
