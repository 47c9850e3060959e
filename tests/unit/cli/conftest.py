import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests import forked

ROOT = Path(__file__).resolve().parents[3]


class Answer(NamedTuple):
    code: int
    stdout: str
    stderr: str

    @property
    def envelope(self) -> Any:
        return json.loads(self.stdout)


Run = Callable[..., Answer]


@pytest.fixture
def opsctl(tmp_path: Path) -> Run:
    """Runs the real command line in a process of its own, with a ledger and state of its own.

    One that is given more of an environment is started anew, since Python reads its own when it starts.
    """
    config = tmp_path / "opsctl.yml"
    config.write_text(
        f"ledger: {{url: 'sqlite:///{tmp_path}/ledger.db'}}\ninventories: {ROOT}/inventories\n"
        f"releases: {ROOT}/releases\ntemplates: {ROOT}/templates\nplaybooks: {ROOT}/playbooks\n"
        f"runs: {tmp_path}/runs\ndrafts: {tmp_path}/drafts\n", encoding="utf-8")

    def run(*arguments: str, **environment: str) -> Answer:
        base = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "OPSCTL_CONFIG": str(config), "LC_ALL": "C.UTF-8"}
        if not environment:
            return Answer(*forked.run(arguments, base))
        done = subprocess.run([sys.executable, "-m", "opsctl", *arguments], cwd=ROOT, capture_output=True, text=True,
                              check=False, stdin=subprocess.DEVNULL, env={**base, **environment}, errors="replace")
        return Answer(done.returncode, done.stdout, done.stderr)

    return run
