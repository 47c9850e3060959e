"""Switching a module of READY on the lab's hosts: only under an agreement, proven, put back when READY is not well."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.guests import on, ready
from tests.lab.surroundings import ROOT, Opsctl

pytestmark = pytest.mark.lab
CUSTOMER, HOST, MODULE = "sample-birkeby", "birkeby-app", "leak-alarm"
FILE = "/etc/ready/modules"


def modules() -> list[str]:
    status, answer = ready(HOST, "/version")
    assert status == 200
    return list(answer["modules"])


@pytest.fixture
def as_it_was() -> Iterator[None]:
    on(HOST, f"cp -p {FILE} /root/modules.before")
    try:
        yield
    finally:
        on(HOST, f"mv /root/modules.before {FILE} && systemctl restart ready-server")


def test_on_under_an_agreement_proven_and_off_again(opsctl: Opsctl, as_it_was: None) -> None:
    refused = opsctl("module", "enable", CUSTOMER, MODULE, "--yes")
    assert refused.code == 4
    assert "P50" in refused.stderr
    assert modules() == ["ready-core"]

    assert opsctl("agreement", "add", CUSTOMER, "AG-2026-11", "--by", "A person", "--module", MODULE).code == 0
    done = opsctl("module", "enable", CUSTOMER, MODULE, "--yes", "--json")
    (outcome,) = done.envelope["data"]["outcomes"]
    assert (done.code, outcome["status"], outcome["data"]["agreements"]) == (0, "done", ["AG-2026-11"]), outcome
    assert modules() == ["ready-core", MODULE]
    again = opsctl("module", "enable", CUSTOMER, MODULE, "--yes", "--json")
    assert again.envelope["data"]["outcomes"][0]["status"] == "unchanged"

    listed = {row["module"]: row for row in opsctl("module", "list", CUSTOMER, "--json").envelope["data"]["modules"]}
    assert (listed[MODULE]["on"], listed[MODULE]["source"]) == (True, "switched on by opsctl")
    change = opsctl("change", "list", CUSTOMER).stdout
    assert f"{MODULE} off -> on" in change

    off = opsctl("module", "disable", CUSTOMER, MODULE, "--yes", "--json")
    assert off.envelope["data"]["outcomes"][0]["status"] == "done"
    assert modules() == ["ready-core"]


def test_one_cut_off_between_file_and_restart_is_finished(opsctl: Opsctl, as_it_was: None) -> None:
    assert opsctl("agreement", "add", CUSTOMER, "AG-2026-12", "--by", "A person", "--module", MODULE).code == 0
    on(HOST, f"echo {MODULE} >> {FILE}")
    assert modules() == ["ready-core"], "READY reads the file when it starts"
    assert opsctl("module", "enable", CUSTOMER, MODULE, "--yes").code == 0
    assert modules() == ["ready-core", MODULE]


def test_what_makes_ready_ill_is_put_back(opsctl: Opsctl, tmp_path: Path, as_it_was: None) -> None:
    """A release file that promises a module which the release on the host does not have."""
    releases, config = tmp_path / "releases", tmp_path / "opsctl.yml"
    shutil.copytree(ROOT / "releases", releases)
    file = releases / "5.4.0.yml"
    file.write_text(file.read_text(encoding="utf-8").replace("  leak-alarm: {", "  dream: {}\n  leak-alarm: {", 1),
                    encoding="utf-8")
    config.write_text(config.read_text(encoding="utf-8").replace(f"{ROOT}/releases", str(releases)), encoding="utf-8")
    assert opsctl("agreement", "add", CUSTOMER, "AG-2026-13", "--by", "A person", "--module", "dream").code == 0
    failed = opsctl("module", "enable", CUSTOMER, "dream", "--yes", "--json")
    (outcome,) = failed.envelope["data"]["outcomes"]
    assert failed.code == 1
    assert "has no module dream" in str(outcome), outcome
    assert outcome["summary"] == f"dream was not switched on everywhere: put back and healthy on {HOST}", outcome
    assert modules() == ["ready-core"]
    assert opsctl("module", "enable", CUSTOMER, MODULE, "--yes").code in {1, 4}, "the cause is not resolved"
