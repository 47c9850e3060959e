"""A quick answer to "which customers are there": a cache of the few facts a list shows.

Keyed by each profile's path, size and modification time; a profile that changed is read and validated
again. So a list of many customers needs no validation, whose library alone takes longer to load than
the list may take.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from opsctl import __version__
from opsctl.core.errors import OpsctlError
from opsctl.core.text import printable
from opsctl.profiles.places import PROFILE, cache_folder, customer_folders, settings_path


@dataclass(frozen=True)
class Summary:
    """What a list shows of one customer. `error` holds the first problem of a broken profile."""

    customer: str
    name: str
    hosting: str
    version: str
    agreement_to: str
    hosts: int
    error: str = ""


@dataclass(frozen=True)
class Places:
    """What quick answers need of the settings. ledger: its URL, None for the one under the state folder."""

    inventories: Path
    ledger: str | None


def inventories_folder() -> Path:
    """The inventories folder that the settings name."""
    return places().inventories


def places() -> Places:
    """Where inventories and ledger are, without validating settings that were validated before."""
    path = settings_path()
    if path is None:
        return Places(Path.cwd() / "inventories", None)
    try:
        key = _key(path)
    except OSError:
        key = ""
    cache = cache_folder() / "settings.json"
    known = _read(cache)
    kept = known.get(key)
    if isinstance(kept, dict) and isinstance(kept.get("inventories"), str) \
            and isinstance(kept.get("ledger"), str | None):
        return Places(Path(kept["inventories"]), kept["ledger"])
    from opsctl.profiles.loader import load_settings

    settings = load_settings(path, Path.cwd())
    found = Places(settings.inventories, settings.ledger.url if settings.ledger else None)
    _write(cache, {key: {"inventories": str(found.inventories), "ledger": found.ledger}})
    return found


def summaries(inventories: Path) -> tuple[Summary, ...]:
    """All customers by name; broken profiles are listed with their error."""
    customers = customer_folders(inventories)
    cache = cache_folder() / "profiles.json"
    known = _read(cache)
    fresh: dict[str, Any] = {}
    found: list[Summary] = []
    for customer in customers:
        try:
            key = _key(inventories / customer / PROFILE)
        except OSError:
            key = ""
        summary = _cached(known.get(key)) or _summary(inventories, customer)
        found.append(summary)
        if key and not summary.error:
            fresh[key] = asdict(summary)
    if fresh.keys() != known.keys():
        _write(cache, fresh)
    return tuple(found)


def _key(path: Path) -> str:
    status = path.stat()
    return f"{path.absolute()}|{status.st_size}|{status.st_mtime_ns}|{__version__}"


def _summary(inventories: Path, customer: str) -> Summary:
    from opsctl.profiles.loader import load_profile
    from opsctl.profiles.model import KamstrupProfile

    try:
        profile = load_profile(inventories, customer)
    except OpsctlError as error:
        return Summary(printable(customer), "", "", "", "", 0, (error.details or (error.message,))[0])
    return Summary(customer, profile.name, profile.hosting, profile.ready.version or "unknown",
                   profile.agreement.valid_to.isoformat() if profile.agreement else "none",
                   len(profile.hosts) if isinstance(profile, KamstrupProfile) else 0)


def _cached(entry: Any) -> Summary | None:
    """The summary that was kept; None for an entry of another shape, which is then read anew."""
    try:
        found = Summary(**entry)
    except TypeError:
        return None
    right = all(isinstance(value, str) for name, value in asdict(found).items() if name != "hosts")
    return found if right and isinstance(found.hosts, int) else None


def _read(cache: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(cache.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write(cache: Path, entries: Mapping[str, Any]) -> None:
    """Replace the cache in one step; a cache that cannot be written is no error, only slower."""
    temporary = cache.with_suffix(f".{os.getpid()}")
    try:
        cache.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary.write_text(json.dumps(entries), encoding="utf-8")
        temporary.replace(cache)
    except OSError:
        with suppress(OSError):
            temporary.unlink()
