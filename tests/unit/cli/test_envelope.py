"""Exit codes and the JSON envelope, in a process of its own as a CI job sees them."""

import subprocess
import sys
from pathlib import Path

import pytest

from opsctl.core.errors import ExitCode
from tests.unit.cli.conftest import Run

KEYS = {"ok", "data", "warnings", "errors", "exit_code"}


@pytest.mark.parametrize(("arguments", "code"), [
    (("customers", "list"), 0),
    (("customers", "show", "sample-aalund"), 0),
    (("profile", "validate"), 0),
    (("contract", "show"), 0),
    (("window", "list", "sample-aalund"), 0),
    (("ledger", "verify"), 3),
    (("status",), 0),
    (("backup", "run"), 2),
    (("backup", "run", "sample-aalund", "--all"), 2),
    (("customers", "show"), 2),
    (("nonsense",), 2),
    (("customers", "show", "sample-aalund", "--at", "yesterday"), 2),
    (("customers", "show", "sample-aalund", "--at", "2026-11-23T09:00"), 2),
    (("customers", "show", "nobody"), 3),
    (("customers", "show", "../sample-aalund"), 3),
    (("backup", "run", "sample-dalmose"), 4),
])
def test_every_answer_is_one_envelope(arguments: tuple[str, ...], code: int, opsctl: Run) -> None:
    answer = opsctl(*arguments, "--json")
    assert answer.code == code, answer
    envelope = answer.envelope
    assert set(envelope) == KEYS
    assert envelope["exit_code"] == code
    assert envelope["ok"] is (code == 0)
    assert bool(envelope["errors"]) is (code != 0)
    for error in envelope["errors"]:
        assert error["message"]


def test_errors_for_people_go_to_stderr_and_say_what_to_do(opsctl: Run) -> None:
    answer = opsctl("customers", "show", "nobody")
    assert answer.stdout == ""
    assert answer.stderr.startswith("error: there is no customer nobody")
    assert "what to do: " in answer.stderr


def test_ci_without_an_explicit_ledger_is_refused(opsctl: Run, tmp_path: Path) -> None:
    (tmp_path / "opsctl.yml").write_text(f"inventories: {Path.cwd()}/inventories\n", encoding="utf-8")
    answer = opsctl("nightly", "--all", "--json", CI="true")
    assert answer.code == ExitCode.CONFIGURATION
    assert "ledger" in answer.envelope["errors"][0]["message"]
    assert not list(tmp_path.rglob("*.db"))


@pytest.mark.parametrize(("text", "words"), [
    ("ledger: {url: 'mysql://x'}\n", "ledger.url"),
    ("legder: {url: 'sqlite:////x'}\n", "did you mean ledger"),
    ("ledger:\n\turl: x\n", "tab"),
])
def test_settings_that_are_wrong(text: str, words: str, opsctl: Run, tmp_path: Path) -> None:
    (tmp_path / "opsctl.yml").write_text(text, encoding="utf-8")
    answer = opsctl("customers", "list", "--json")
    assert answer.code == 3
    assert words in "\n".join(answer.envelope["errors"][0]["details"])


def test_a_missing_settings_file_is_named(opsctl: Run, tmp_path: Path) -> None:
    answer = opsctl("customers", "list", OPSCTL_CONFIG=str(tmp_path / "none.yml"))
    assert answer.code == 3
    assert "none.yml does not exist" in answer.stderr


def test_a_broken_profile_is_listed_and_ends_with_3(opsctl: Run, tmp_path: Path) -> None:
    folder = tmp_path / "inventories" / "sample-broken"
    folder.mkdir(parents=True)
    (folder / "profile.yml").write_text("hosting: cloud\n", encoding="utf-8")
    (tmp_path / "opsctl.yml").write_text("inventories: inventories\n", encoding="utf-8")
    assert opsctl("customers", "list").code == 3
    answer = opsctl("profile", "validate")
    assert answer.code == 3
    assert "profile.yml:1:1 hosting: must be exactly one of" in answer.stdout


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    child = subprocess.Popen([sys.executable, "-m", "opsctl", "contract", "show"], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.close()
    assert child.wait(timeout=30) == 1
    assert child.stderr.read() == ""


def test_an_interrupt_counts_also_where_it_was_inherited_as_ignored() -> None:
    """A job in the background of a script inherits SIGINT as ignored; CI systems cancel by SIGINT."""
    program = """
import os, signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
from opsctl.cli import main
main.bounded = lambda work, form: work()
main.typer.main.get_command = lambda app: type("Slow", (), {"main": lambda *a, **k: (
    os.kill(os.getpid(), signal.SIGINT), time.sleep(5))})
try:
    main.run([])
except KeyboardInterrupt:
    print("interrupted")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout == "interrupted\n", done
