"""Odd surroundings: closed and full outputs, other encodings, no home, monitoring that must never see OK by mistake."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.unit.cli.conftest import ROOT, Run

pytestmark = pytest.mark.slow


@pytest.fixture
def own(tmp_path: Path, opsctl: Run) -> Path:
    """An inventories folder of this test's own, with one customer."""
    folder = tmp_path / "inventories" / "sample-dalmose"
    folder.mkdir(parents=True)
    text = (ROOT / "inventories" / "sample-dalmose" / "profile.yml").read_text(encoding="utf-8")
    (folder / "profile.yml").write_text(text.replace("Dalmose Water", "Dålmose Water"), encoding="utf-8")
    config = tmp_path / "opsctl.yml"
    config.write_text(config.read_text(encoding="utf-8").replace(f"{ROOT}/inventories", "inventories"),
                      encoding="utf-8")
    return folder.parent


def shell(command: str, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sh", "-c", command.replace("OPSCTL ", f"{sys.executable} -m opsctl ")], cwd=ROOT,
                          capture_output=True, text=True, check=False,
                          env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)})


def test_a_closed_output_takes_no_file_in_its_place(tmp_path: Path) -> None:
    assert shell("OPSCTL notice draft --all", tmp_path).returncode == 0
    for closed in (">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"):
        done = shell(f"OPSCTL status {closed}", tmp_path)
        assert done.returncode == 0, (closed, done)
        assert done.stderr == ""
    assert shell("OPSCTL ledger verify", tmp_path).returncode == 0


def test_a_closed_error_output_changes_no_exit_code(tmp_path: Path) -> None:
    assert shell("OPSCTL customers show nobody 2>&-", tmp_path).returncode == 3


@pytest.mark.parametrize("option", ["", "--json"])
def test_a_full_disk_under_the_output_is_told_on_the_other_one(option: str, tmp_path: Path) -> None:
    done = shell(f"OPSCTL contract show {option} > /dev/full", tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("error: the output cannot be written: No space left on device")
    assert "Traceback" not in done.stderr


def test_work_goes_on_when_nobody_reads_its_progress(opsctl: Run, tmp_path: Path) -> None:
    done = shell(f"(OPSCTL_CONFIG={tmp_path}/opsctl.yml OPSCTL notice draft --all --json 2>&1 >{tmp_path}/out; "
                 f"echo $? >{tmp_path}/code) | true", tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "code").read_text(encoding="utf-8") == "0\n"
    assert json.loads((tmp_path / "out").read_text(encoding="utf-8"))["ok"]


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_encoding_of_the_output_will_do(encoding: str, opsctl: Run, own: Path) -> None:
    assert opsctl("customers", "list", PYTHONIOENCODING=encoding).code == 0
    answer = opsctl("customers", "list", "--json", PYTHONIOENCODING="ascii")
    assert answer.envelope["data"]["customers"][0]["name"] == "Dålmose Water (sample)"


def test_without_a_command_there_is_help_and_no_error(opsctl: Run) -> None:
    for arguments in ((), ("backup",)):
        answer = opsctl(*arguments)
        assert answer.code == 2
        assert answer.stderr.startswith("Usage: opsctl")
        assert answer.stdout == ""


@pytest.mark.parametrize(("arguments", "words"), [
    (("status", "nobody"), "there is no customer nobody"),
    (("status", "--nonsense"), "No such option"),
    (("storage", "check"), "name customers"),
    (("status", "--at", "yesterday"), "--at"),
])
def test_monitoring_gets_one_line_and_unknown_for_every_error(arguments: tuple[str, ...], words: str,
                                                              opsctl: Run) -> None:
    for form in (("--format", "nagios"), ("--format=nagios",)):
        answer = opsctl(*arguments, *form)
        assert answer.code == 3
        assert answer.stdout.startswith("OPSCTL UNKNOWN - ")
        assert answer.stdout.count("\n") == 1
        assert words in answer.stdout
    envelope = opsctl(*arguments, "--format", "nagios", "--json").envelope
    assert (envelope["ok"], envelope["exit_code"]) == (False, 3)


def test_monitoring_is_never_told_ok_of_what_is_not_known(opsctl: Run, own: Path) -> None:
    assert opsctl("status", "--format", "nagios").code == 3  # no draft yet
    assert opsctl("notice", "draft", "--all").code == 0
    assert opsctl("status", "--format", "nagios").code == 0
    (own / "sample-broken").mkdir()
    (own / "sample-broken" / "profile.yml").write_text("hosting: cloud\n", encoding="utf-8")
    answer = opsctl("status", "--format", "nagios")
    assert answer.code == 3
    assert "sample-broken" in answer.stdout


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-05:00"])
@pytest.mark.parametrize("command", [("status",), ("window", "list", "sample-aalund"),
                                     ("contract", "explain", "sample-aalund")], ids=" ".join)
def test_times_beyond_every_contract_are_a_usage_error(time: str, command: tuple[str, ...], opsctl: Run) -> None:
    assert opsctl(*command, "--at", time, "--json").code == 2


@pytest.mark.parametrize("arguments", [
    ("ledger", "export", "--output"), ("profile", "schema", "--output"), ("nightly", "--all", "--junit"),
    ("patch", "plan", "sample-dalmose", "--output")], ids=" ".join)
@pytest.mark.parametrize("place", ["/nowhere/at/all/x", "/proc/x/y"])
def test_a_file_that_cannot_be_written_is_told_before_the_work(arguments: tuple[str, ...], place: str,
                                                               opsctl: Run, own: Path, tmp_path: Path) -> None:
    if arguments[0] == "patch" and place.startswith("/nowhere"):
        place = "/dev/null/x"  # a folder that --output may not make
    answer = opsctl(*arguments, place, "--json")
    assert answer.code in {1, 2}, answer
    assert "defect" not in answer.envelope["errors"][0]["message"]
    assert place.rsplit("/", 1)[0] in answer.envelope["errors"][0]["message"]
    assert not (tmp_path / "drafts").exists()


def test_an_exported_ledger_is_for_its_owner_alone(opsctl: Run, tmp_path: Path) -> None:
    (tmp_path / "export").write_text("old", encoding="utf-8")
    assert opsctl("notice", "draft", "--all").code == 0
    assert opsctl("ledger", "export", "--output", str(tmp_path / "export")).code == 0
    assert (tmp_path / "export").stat().st_mode & 0o777 == 0o600
    assert opsctl("ledger", "verify", "--file", str(tmp_path / "export")).code == 0


def test_what_is_no_ledger_is_not_called_sound(opsctl: Run) -> None:
    assert opsctl("notice", "draft", "sample-dalmose").code == 0
    assert opsctl("ledger", "verify", "nobody", "--json").code == 2
    assert opsctl("ledger", "export", "nobody", "--json").code == 2
    assert opsctl("ledger", "verify", "sample-aalund", "--json").code == 0
    assert opsctl("ledger", "verify", "--file", sys.executable, "--json").code == 3


def test_ci_without_an_explicit_ledger_upgrades_none(opsctl: Run, tmp_path: Path) -> None:
    (tmp_path / "opsctl.yml").write_text(f"inventories: {ROOT}/inventories\n", encoding="utf-8")
    answer = opsctl("ledger", "upgrade", "--json", CI="true")
    assert answer.code == 3
    assert "CI=true" in answer.envelope["errors"][0]["message"]


def test_a_broken_release_file_spares_the_night_and_the_status(opsctl: Run, own: Path, tmp_path: Path) -> None:
    releases = tmp_path / "releases"
    releases.mkdir()
    (releases / "6.0.0.yml").write_text("version: six\n", encoding="utf-8")
    config = tmp_path / "opsctl.yml"
    config.write_text(config.read_text(encoding="utf-8").replace(f"{ROOT}/releases", "releases"), encoding="utf-8")
    junit = tmp_path / "night.xml"
    answer = opsctl("nightly", "--all", "--json", "--junit", str(junit))
    assert answer.code == 3
    assert [row["service"] for row in answer.envelope["data"]["outcomes"]] == [
        "backup", "storage-management", "software-update-minor"]
    (error,) = answer.envelope["errors"]
    assert any("6.0.0.yml:1:" in line for line in error["details"])
    assert "6.0.0.yml:1:" in opsctl("nightly", "--all").stdout
    suite = ElementTree.parse(junit).getroot().find("testsuite")  # noqa: S314 - our own file
    assert suite is not None
    assert suite.get("failures") == "1"
    status = opsctl("status", "--json")
    assert status.code == 3
    assert status.envelope["data"]["customers"][0]["notices"]["verdict"] == "unknown"


def test_folders_of_odd_names_stop_no_night(opsctl: Run, own: Path, tmp_path: Path) -> None:
    for name in (b"Bad Name", b"esc\x1b[31m", b"bytes\xff"):
        folder = own / os.fsdecode(name)
        folder.mkdir()
        (folder / "profile.yml").write_text("hosting: cloud\n", encoding="utf-8")
    answer = opsctl("nightly", "--all", "--junit", str(tmp_path / "x.xml"))
    assert answer.code == 3
    assert "\x1b" not in answer.stdout + answer.stderr
    assert "sample-dalmose" in answer.stdout
    ElementTree.parse(tmp_path / "x.xml")  # noqa: S314 - our own file


def test_a_terminal_that_hangs_up_ends_a_command_like_ctrl_c(tmp_path: Path) -> None:
    program = "import os, signal, opsctl.cli.main as m; m.app = None; " \
              "m.typer.main.get_command = lambda app: os.kill(os.getpid(), signal.SIGHUP); m.run(['x'])"
    # Set to the default first: a suite that runs under nohup hands down that it is ignored.
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False,
                          preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL))
    assert done.returncode == 1
    assert "interrupted" in done.stderr
    kept = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False,
                          preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    assert "interrupted" not in kept.stderr


def test_an_account_without_home_or_name_is_told_what_it_lacks(opsctl: Run, tmp_path: Path) -> None:
    program = ("import pwd, sys, opsctl.cli.main as m\n"
               "def none(uid): raise KeyError(uid)\n"
               "pwd.getpwuid = none\n"
               "m.run(sys.argv[1:])\n")

    def homeless(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True,
                              check=False, env={"PATH": os.environ["PATH"], **environment})

    assert homeless("customers", "list").returncode == 0
    lacking = homeless("status")
    assert lacking.returncode == 3
    assert "set HOME" in lacking.stderr
    acting = homeless("notice", "draft", "--all", OPSCTL_CONFIG=str(tmp_path / "opsctl.yml"))
    assert acting.returncode == 0, acting
    assert f'"actor":"uid-{os.getuid()}"' in opsctl("ledger", "export").stdout


@pytest.mark.parametrize("how", ["bash prepared", "./prepared", "../{name}/prepared"])
def test_the_scripts_find_themselves_again_from_any_folder(how: str, tmp_path: Path) -> None:
    folder = tmp_path / "checkout"
    (folder / "scripts").mkdir(parents=True)
    (folder / "scripts" / "prepare.sh").write_bytes((ROOT / "scripts" / "prepare.sh").read_bytes())
    (folder / "prepared").write_text('#!/usr/bin/env bash\nsource "$(dirname "$0")/scripts/prepare.sh"\n'
                                     'echo "$script"\n', encoding="utf-8")
    (folder / "prepared").chmod(0o755)
    done = subprocess.run(["sh", "-c", how.format(name=folder.name)], cwd=folder, capture_output=True, text=True,
                          check=False)
    assert done.stdout == f"{folder}/prepared\n", done


@pytest.mark.parametrize(("words", "code"), [("customers list", 1), ("status --format nagios", 3),
                                             ("customers show nobody --json", 1)])
def test_an_output_that_is_full_ends_in_words_and_never_in_ok(words: str, code: int, tmp_path: Path) -> None:
    done = shell(f"OPSCTL {words} >/dev/full", tmp_path)
    assert done.returncode == code
    assert "Traceback" not in done.stderr
    assert "No space left" in done.stderr


def test_a_ledger_that_is_gone_is_not_called_sound_and_asking_makes_none(opsctl: Run, tmp_path: Path) -> None:
    assert opsctl("status").code == 0
    for command in ("verify", "export"):
        answer = opsctl("ledger", command)
        assert answer.code == 3
        assert f"there is no ledger at {tmp_path}/ledger.db" in answer.stderr
    assert not (tmp_path / "ledger.db").exists()


def test_a_ledger_that_has_lost_a_table_is_damaged(opsctl: Run, tmp_path: Path) -> None:
    assert opsctl("notice", "draft", "--all").code == 0
    with sqlite3.connect(tmp_path / "ledger.db") as database:
        database.execute("DROP TABLE ledger_entry")
    answer = opsctl("ledger", "verify")
    assert answer.code == 9
    assert "restore the ledger from its last copy" in answer.stderr
