"""A host whose programs answer as the test says, but for those of the file system: they run in a folder of the test."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from opsctl.backup.dialogue import HostProgram
from opsctl.backup.exchange import Hello, Ran

REAL = {"find", "rm"}


class ScriptedHost(HostProgram):
    """answer: by command and standard input. root stands for /var/lib."""

    def __init__(self, root: Path, answer: Callable[[str, str], Ran]) -> None:
        self.hello = Hello("3.13", "db-1", "x86_64", 0.0, 0, "/run/x")
        self.root, self.answer = root, answer
        self.ran: list[str] = []

    def which(self, names: Sequence[str]) -> dict[str, str | None]:
        return cast("dict[str, str | None]", {name: name for name in names})

    def run(self, argv: Sequence[str], *, user: str | None = None, stdin: str = "", seconds: int = 60) -> Ran:
        self.ran.append(" ".join(argv))
        if argv[0] not in REAL:
            return self.answer(" ".join(argv), stdin)
        done = subprocess.run([word.replace("/var/lib", str(self.root)) for word in argv], capture_output=True,
                              text=True, timeout=seconds, check=False)
        return Ran(done.returncode, done.stdout.replace(str(self.root), "/var/lib"), done.stderr)
