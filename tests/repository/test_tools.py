"""The tools that judge the tree: each one is a test, so that nothing lands that one of them refuses."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def run(*argv: str, **environment: str) -> None:
    done = subprocess.run([str(BIN / argv[0]), *argv[1:]], cwd=ROOT, capture_output=True, text=True, check=False,
                          env={"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(Path.home()), "LC_ALL": "C.UTF-8",
                               **environment})
    assert done.returncode == 0, f"{' '.join(argv)}\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"


def test_ruff() -> None:
    run("ruff", "check", "opsctl", "tests", "playbooks", "benchmarks")


@pytest.mark.slow
def test_mypy_strict() -> None:
    run("mypy")


def test_import_directions() -> None:
    run("lint-imports")


def test_yamllint() -> None:
    run("yamllint", "--strict", "playbooks", "inventories", "releases", "templates")


def test_shell_scripts_parse() -> None:
    bash = shutil.which("bash")
    assert bash is not None
    for script in ("run-demo", "run-tests", ".ci/run", "scripts/prepare.sh"):
        done = subprocess.run([bash, "-n", str(ROOT / script)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
