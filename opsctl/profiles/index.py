"""A quick answer to "which customers are there": a cache of the few facts a list shows.

Keyed by each profile's path, size and modification time; a profile that changed is read and validated
again. So a list of many customers needs no validation, whose library alone takes longer to load than
the list may take.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl import __version__
from opsctl.core.errors import OpsctlError
from opsctl.core.text import printable
from opsctl.profiles.places import PROFILE, cache_folder, customer_folders, settings_path

if TYPE_CHECKING:
    from opsctl.profiles.model import Profile


PATCH_EVERY_DAYS = 30
"""As the settings have it where they say nothing; a test compares."""


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
    releases: Path
    patch_every_days: int


def inventories_folder() -> Path:
    """The inventories folder that the settings name."""
    return places().inventories


def places() -> Places:
    """Where inventories and ledger are, without validating settings that were validated before."""
    path = settings_path()
    if path is None:
        return Places(Path.cwd() / "inventories", None, Path.cwd() / "releases", PATCH_EVERY_DAYS)
    try:
        key = _key(path)
    except OSError:
        key = ""
    cache = cache_folder() / "settings.json"
    known = _read(cache)
    entry = known.get(key)
    if isinstance(entry, dict) and isinstance(entry.get("inventories"), str) \
            and isinstance(entry.get("ledger"), str | None) and isinstance(entry.get("releases"), str) \
            and isinstance(entry.get("patch_every_days"), int):
        return Places(Path(entry["inventories"]), entry["ledger"], Path(entry["releases"]), entry["patch_every_days"])
    from opsctl.profiles.loader import load_settings

    settings = load_settings(path, Path.cwd())
    found = Places(settings.inventories, settings.ledger.url if settings.ledger else None, settings.releases,
                   settings.policy.patch_every_days)
    _write(cache, {key: {"inventories": str(found.inventories), "ledger": found.ledger,
                         "releases": str(found.releases), "patch_every_days": found.patch_every_days}})
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


def remembered(inventories: Path, name: str, make: Callable[[Profile], Mapping[str, Any]], fields: Collection[str],
               ) -> tuple[list[tuple[str, Mapping[str, Any]]], dict[str, OpsctlError]]:
    """What `make` says of every sound profile, with the key of its file, and the errors of the others by customer.

    name: of the cache. fields: that an entry must have; one of another shape is made anew.
    """
    known, fresh = kept(name), dict[str, Any]()
    found: list[tuple[str, Mapping[str, Any]]] = []
    errors: dict[str, OpsctlError] = {}
    for customer in customer_folders(inventories):
        try:
            key = _key(inventories / customer / PROFILE)
        except OSError:
            key = ""
        facts = known.get(key)
        if not isinstance(facts, dict) or facts.keys() != set(fields):
            from opsctl.profiles.loader import load_profile

            try:
                facts = dict(make(load_profile(inventories, customer)))
            except OpsctlError as error:
                errors[printable(customer)] = error
                continue
        found.append((key, facts))
        if key:
            fresh[key] = facts
    if fresh.keys() != known.keys():
        keep(name, fresh)
    return found, errors


def files_key(folder: Path) -> str:
    """Differs whenever a YAML file of the folder (or one below it) does; empty when it cannot be read."""
    try:
        return ";".join(_key(path) for path in sorted(folder.rglob("*.yml")))
    except OSError:
        return ""


def kept(name: str) -> Mapping[str, Any]:
    """What a cache holds, nothing where it cannot be read."""
    return _read(cache_folder() / f"{name}.json")


def keep(name: str, entries: Mapping[str, Any]) -> None:
    """Replace a cache."""
    _write(cache_folder() / f"{name}.json", entries)


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
