"""The judges from outside: programs of other makers in an environment of their own, installed by `./run-tests`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.not_exercised import not_exercised

FOLDER = Path(__file__).resolve().parent
PYTHON = FOLDER / ".venv" / "bin" / "python"


def node(program: str, paths: Iterable[Path]) -> Any:
    """What the JavaScript `program` of this folder says of the files; not exercised where it is not installed."""
    if shutil.which("node") is None or not (FOLDER / "node_modules").is_dir():
        not_exercised("the judges in JavaScript are not installed (./run-tests installs them; they need node and npm)")
    return _answer(["node", str(FOLDER / program)], paths)


def python(program: str, paths: Iterable[Path]) -> Any:
    """The same for a Python program, in the judges' own environment: it wants other versions than opsctl's tests."""
    if not PYTHON.is_file():
        not_exercised("the judges in Python are not installed (./run-tests installs them)")
    return _answer([str(PYTHON), str(FOLDER / program)], paths)


def _answer(command: list[str], paths: Iterable[Path]) -> Any:
    done = subprocess.run(command, input=json.dumps([str(path) for path in paths]), capture_output=True, text=True,
                          check=False, timeout=540, env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
