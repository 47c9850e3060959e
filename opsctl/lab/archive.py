"""Keeps the lab's ledger together with the store it speaks of: evidence never outlives what it is about."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

from opsctl.lab import paths
from opsctl.lab.servers import snapshot

KEPT = 3


def archive_evidence() -> Path | None:
    """Move ledger and store to `archive/TIME/`; returns that folder, or None when there was nothing to keep.

    Call it when the object store has been ended: what it saved becomes plain files in `objects/`.
    The newest KEPT archives stay. The folders `ledger` and `store` are empty afterwards.
    """
    objects = paths.SERVICES / "s3-export"
    shutil.rmtree(objects, ignore_errors=True)
    snapshot.export(objects)
    snapshot.STATE.unlink(missing_ok=True)
    sources = {"ledger": paths.LEDGER, "store": paths.STORE, "objects": objects}
    filled = {name: folder for name, folder in sources.items() if _has_files(folder)}
    if not filled:
        return None
    target = paths.ARCHIVE / datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    unfinished = paths.ARCHIVE / f".{target.name}"
    unfinished.mkdir(mode=0o700, parents=True)
    for name, folder in filled.items():
        shutil.move(folder, unfinished / name)
    unfinished.rename(target)
    for folder in (paths.LEDGER, paths.STORE):
        folder.mkdir(exist_ok=True)
    for old in sorted(path for path in paths.ARCHIVE.iterdir() if not path.name.startswith("."))[:-KEPT]:
        shutil.rmtree(old)
    return target


def _has_files(folder: Path) -> bool:
    return folder.is_dir() and any(path.is_file() for path in folder.rglob("*"))
