"""The commands of releases, approvals, rollouts and the change log, as a user meets them without any host."""

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run


def test_no_change_without_a_description(opsctl: Run) -> None:
    refused = opsctl("change", "add", "sample-dalmose", "--system", "READY", "--description", "  ")
    assert refused.code == 2 and "P46" in refused.stderr


def test_what_a_customer_says_it_installed_is_marked(opsctl: Run, tmp_path: Path) -> None:
    added = opsctl("change", "add", "sample-dalmose", "--system", "READY", "--from", "5.5.0", "--to", "6.0.0",
                   "--description", "installed by their IT", "--reported-by-customer")
    assert added.code == 0, added
    listed = opsctl("change", "list", "sample-dalmose", "--json").envelope["data"]["changes"]
    assert [(one["kind"], one["after"]) for one in listed] == [("reported by the customer", {"READY": "6.0.0"})]
    assert opsctl("change", "export", "sample-dalmose", "--output", str(tmp_path / "log.csv")).code == 0
    assert "reported by the customer" in (tmp_path / "log.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(("arguments", "code", "words"), [
    (("release", "path", "--from", "5.3.0", "--to", "6.0.0"), 0, "5.3.0 -> 5.5.0 -> 6.0.0"),
    (("release", "show", "9.9.9"), 2, "there is no release 9.9.9"),
    (("release", "impact", "six"), 2, "'six' is not a version"),
    (("release", "plan", "sample-aalund", "--version", "six"), 2, "'six' is not a version"),
    (("backup", "verify", "sample-aalund", "nope"), 2, "'nope' is not the id of a backup"),
    (("module", "enable", "sample-aalund", "nonsense", "--yes"), 2, "READY 5.4.0 has no module nonsense"),
    (("module", "enable", "sample-aalund", "Non Sense", "--yes"), 2, "error: 'Non Sense' cannot be a module's name"),
    (("module", "enable", "sample-birkeby", "leak-alarm", "--yes"), 4, "P50"),
    (("module", "enable", "sample-dalmose", "nonsense", "--yes"), 4, "works only on hosts that Kamstrup runs (P22)"),
    (("notice", "show", "sample-elmegaard", "release-9"), 2, "no notice 'release-9' is drafted"),
    (("notice", "coverage", "--release", "six"), 2, "'six' is not a version"),
    (("notice", "coverage", "--release", "9.9.9"), 2, "there is no release 9.9.9"),
    (("notice", "coverage", "--release", "6.0.0"), 0, "not drafted"),
    (("--progress", "bogus", "notice", "list"), 2, "--progress 'bogus' is no form of progress"),
    (("--progress", "none", "notice", "list"), 0, "no notice is drafted"),
    (("release", "install", "sample-dalmose", "--yes"), 4, "P22"),
    (("release", "rollback", "sample-dalmose", "--yes"), 4, "P22"),
    (("release", "install", "sample-aalund"), 2, "--yes"),
    (("patch", "apply", "--ring", "nowhere", "--yes"), 2, "no customer is in the ring nowhere"),
    (("patch", "apply", "sample-aalund", "--ring", "general", "--yes"), 2, "--ring goes alone"),
    (("upgrade", "plan", "sample-aalund"), 2, "an upgrade has one target"),
    (("upgrade", "apply", "sample-aalund", "--to-debian", "13", "--to-postgresql", "17", "--yes"), 2, "one target"),
    (("upgrade", "apply", "sample-aalund", "--to-debian", "13"), 2, "--yes"),
    (("upgrade", "apply", "sample-dalmose", "--to-debian", "13", "--yes"), 4, "P21"),
    (("upgrade", "rollback", "sample-aalund", "--yes"), 0, "no upgrade is unfinished"),
    (("upgrade", "finish", "sample-aalund", "--yes"), 0, "nothing is kept of an upgrade"),
    (("resume", "nothing", "--yes"), 2, "no rollout nothing"),
    (("run", "show", "nothing"), 2, "there is no run nothing"),
    (("resolve", "sample-aalund", "--reason", "x"), 0, "no failure is open"),
    (("change", "show", "sample-aalund", "C9"), 2, "has no change C9")])
def test_answers_and_refusals(opsctl: Run, arguments: tuple[str, ...], code: int, words: str) -> None:
    answer = opsctl(*arguments)
    assert answer.code == code, answer
    assert words in answer.stdout + answer.stderr


def test_a_plan_that_was_edited_is_not_approved(opsctl: Run, tmp_path: Path) -> None:
    from tests.unit.installs.test_release_plan import planned

    plan = planned(target="5.4.1")
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({"kind": "release", **plan.document(), "hash": plan.hash}), encoding="utf-8")
    unknown = opsctl("approve", str(file), "--key", str(tmp_path / "key"))
    assert unknown.code == 2 and "nobody asked for the plan" in unknown.stderr
    file.write_text(json.dumps({"kind": "release", **plan.document(), "target": "6.0.0", "hash": plan.hash}))
    changed = opsctl("approve", str(file), "--key", str(tmp_path / "key"))
    assert changed.code == 3 and "its hash does not fit" in changed.stderr
    for command in (("patch", "apply"), ("release", "install")):
        assert opsctl(*command, "sample-birkeby", "--plan", str(file), "--yes").code == 3
