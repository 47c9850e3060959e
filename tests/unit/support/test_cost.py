"""P54: nothing may be invoiced without evidence, the customer told, and a second person's signature that holds."""

import csv
import subprocess
from pathlib import Path

import pytest

from tests.unit.records.conftest import Run

ID = "sample-aalund-1"


@pytest.fixture
def keys(tmp_path: Path, config: Path) -> dict[str, Path]:
    """Keys of the one who notes time (tester), of a second person, and of a stranger; two of them allowed."""
    found = {}
    lines = []
    for name in ("tester", "second", "stranger"):
        path = found[name] = tmp_path / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path), "-C", name], check=True)
        if name != "stranger":
            public = path.with_suffix(".pub").read_text(encoding="ascii")
            lines.append(f'{name}@vendor.example namespaces="opsctl-support" {public}')
    (tmp_path / "allowed").write_text("".join(lines), encoding="ascii")
    with config.open("a", encoding="utf-8") as file:
        file.write(f"approvals: {{allowed_signers: {tmp_path}/allowed}}\n")
    return found


@pytest.fixture
def support(opsctl: Run, keys: dict[str, Path]) -> Run:
    def run(*arguments: str) -> object:
        return opsctl("support", *arguments)

    opened = opsctl("support", "open", "sample-aalund", "--reporter", "R", "--subject", "S", "--error", "no")
    assert opened.code == 0, opened
    return run  # type: ignore[return-value]


def state(support: Run) -> tuple[bool, str]:
    (row,) = support("costs", "--every", "--json").data["costs"]
    return row["billable"], row["open"]


def ready(support: Run) -> None:
    assert support("cause", ID, "--cause", "third-party", "--evidence", "provider's report 7").code == 0
    assert support("time", ID, "--minutes", "90", "--what", "found the provider's fault").code == 0
    assert support("told", ID, "--how", "email").code == 0


def test_nothing_is_billable_by_default(support: Run) -> None:
    billable, why = state(support)
    assert not billable
    assert why == ("the cause is unknown (P54: a third party or the customer); no time is noted; "
                   "the customer was not told; no second person has signed")


def test_evidence_telling_and_a_second_signature_make_it_billable(support: Run, keys: dict[str, Path],
                                                                  tmp_path: Path) -> None:
    ready(support)
    assert state(support) == (False, "no second person has signed")
    assert support("approve", ID, "--key", str(keys["second"])).code == 0
    assert state(support) == (True, "")
    assert support("costs", "--output", str(tmp_path / "costs.csv"), "--json").data["billable_minutes"] == 90
    with (tmp_path / "costs.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["minutes"], row["billable"], row["signer"]) == ("90", "True", "second@vendor.example")


def test_who_noted_the_time_may_not_sign_nor_a_stranger(support: Run, keys: dict[str, Path]) -> None:
    ready(support)
    for name, words in (("tester", "second person"), ("stranger", "signature does not hold")):
        answer = support("approve", ID, "--key", str(keys[name]))
        assert (answer.code, words in answer.stderr) == (6, True), answer
    assert not state(support)[0]


def test_the_customer_is_told_first(support: Run, keys: dict[str, Path]) -> None:
    assert support("told", ID, "--how", "email").code == 2
    support("cause", ID, "--cause", "customer", "--evidence", "their change 12")
    support("time", ID, "--minutes", "30", "--what", "undid it")
    answer = support("approve", ID, "--key", str(keys["second"]))
    assert (answer.code, "the customer was not told" in answer.stderr) == (6, True)


@pytest.mark.parametrize("change", [("time", ID, "--minutes", "5", "--what", "more"),
                                    ("cause", ID, "--cause", "customer", "--evidence", "another")])
def test_a_change_after_the_signature_voids_it(change: tuple[str, ...], support: Run, keys: dict[str, Path]) -> None:
    ready(support)
    support("approve", ID, "--key", str(keys["second"]))
    assert support(*change).code == 0
    billable, why = state(support)
    assert (billable, "changed since the customer was told" in why, "since a second person signed" in why) == (
        False, True, True)


def test_a_signature_counts_only_while_its_key_is_allowed(support: Run, keys: dict[str, Path], tmp_path: Path) -> None:
    ready(support)
    support("approve", ID, "--key", str(keys["second"]))
    (tmp_path / "allowed").write_text("", encoding="ascii")
    billable, why = state(support)
    assert (billable, "does not hold" in why) == (False, True)


@pytest.mark.parametrize(("arguments", "words"), [
    (("time", ID, "--minutes", "1441", "--what", "x"), "cannot be"),
    (("time", ID, "--minutes", "-1", "--what", "x"), "cannot be"),
    (("time", ID, "--minutes", "0", "--what", "x"), "cannot be"),
    (("time", ID, "--minutes", "5", "--what", "x", "--day", "2020-01-01"), "outside"),
    (("time", ID, "--minutes", "5", "--what", "x", "--day", "1.1.2026"), "not a date"),
    (("cause", ID, "--cause", "weather"), "no cause 'weather'"),
    (("costs", "--month", "November"), "not a month")])
def test_bad_input(arguments: tuple[str, ...], words: str, support: Run) -> None:
    answer = support(*arguments)
    assert (answer.code, words in answer.stderr) == (2, True), answer
