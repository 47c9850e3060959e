"""`opsctl` in a process of its own, forked from one that has it loaded: what a start costs is paid once.

The process it is forked from runs nothing else and has one thread, so each run begins from the same clean state.
"""

import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
_SECONDS = 120
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.loaded"])


class Ended(NamedTuple):
    """How a command line ended."""

    returncode: int
    stdout: str
    stderr: str


def run(arguments: tuple[str, ...], environment: Mapping[str, str]) -> Ended:
    """Run `opsctl ARGUMENTS` in this environment alone, from the project's folder, with nothing to read."""
    with tempfile.TemporaryDirectory() as folder:
        paths = (Path(folder, "stdout"), Path(folder, "stderr"))
        child = _CONTEXT.Process(target=_child, args=(arguments, dict(environment), *map(str, paths)))
        child.start()
        child.join(_SECONDS)
        if child.exitcode is None:
            child.kill()
            raise TimeoutError(f"opsctl {' '.join(arguments)} did not end within {_SECONDS} seconds")
        code = child.exitcode
        child.close()
        return Ended(code, *(path.read_text(encoding="utf-8", errors="replace") for path in paths))


def _child(arguments: tuple[str, ...], environment: dict[str, str], stdout: str, stderr: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    for number, path, flags in ((0, os.devnull, os.O_RDONLY), (1, stdout, os.O_WRONLY | os.O_CREAT),
                                (2, stderr, os.O_WRONLY | os.O_CREAT)):
        opened = os.open(path, flags, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin, sys.stdout, sys.stderr = (open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
                                         for number, mode in ((0, "r"), (1, "w"), (2, "w")))
    from opsctl.cli.main import run as opsctl

    opsctl(list(arguments))
