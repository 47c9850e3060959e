"""The object store's content as a file: saved when the store is ended in order, loaded when it starts again."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

from opsctl.lab import paths

STATE = paths.SERVICES / "s3-state.pickle"


class _Pickler(pickle.Pickler):
    """Keeps every version: moto's key store is a dict whose items show the newest version only."""

    def reducer_override(self, value: Any) -> Any:
        from moto.s3.utils import _VersionedKeyStore

        if isinstance(value, _VersionedKeyStore):
            return _key_store, ([(key, list(versions)) for key, versions in value.lists()],)
        return NotImplemented


def _key_store(content: list[tuple[str, list[Any]]]) -> Any:
    from moto.s3.utils import _VersionedKeyStore

    store = _VersionedKeyStore()
    for key, versions in content:
        store.setlist(key, versions)
    return store


def save(buckets: dict[str, Any]) -> None:
    """Write the buckets to STATE (0600), complete or not at all."""
    unfinished = STATE.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        _Pickler(file).dump(buckets)
    unfinished.replace(STATE)


def load() -> dict[str, Any] | None:
    """The saved buckets; None when there are none. The file is this program's own, readable for root only."""
    if not STATE.exists():
        return None
    with STATE.open("rb") as file:
        content: dict[str, Any] = pickle.load(file)  # noqa: S301
    return content


def export(folder: Path) -> int:
    """Write every version of every saved object to `folder`, with `index.jsonl`; returns how many there were."""
    lines: list[str] = []
    for bucket, content in (load() or {}).items():
        for key, versions in content.keys.lists():
            for version in versions:
                if hasattr(version, "value"):
                    name = f"{len(lines):06d}"
                    folder.mkdir(parents=True, exist_ok=True)
                    (folder / name).write_bytes(version.value)
                    lines.append(json.dumps({
                        "file": name, "bucket": bucket, "key": key, "version": version.version_id,
                        "etag": version.etag, "last_modified": version.last_modified.isoformat()}))
    if lines:
        (folder / "index.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(lines)
