"""What the playbooks of a run printed, kept after its folder is gone: files of mode 0600 in a folder of mode 0700."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

FOLDER = "logs"
_RUN = re.compile(r"[A-Za-z0-9_-]+")


def keep_log(file: Path, runs: Path, run: str) -> None:
    """Copy a playbook's output out of a run's private folder, numbered in the order of the playbooks.

    A disk that refuses, or a playbook that never began, keeps no run from its work.
    """
    with suppress(OSError):
        text = file.read_bytes()
        place = runs / FOLDER / run
        for folder in (runs / FOLDER, place):
            folder.mkdir(exist_ok=True, mode=0o700)
        target = place / f"{len(list(place.iterdir())) + 1:02}-{file.name}"
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(text)


def read_logs(runs: Path, run: str) -> dict[str, str]:
    """The kept output by playbook; {} when nothing was kept."""
    place = runs / FOLDER / run
    if not _RUN.fullmatch(run) or not place.is_dir():
        return {}
    return {file.stem: file.read_text(encoding="utf-8", errors="replace") for file in sorted(place.glob("*.log"))}
