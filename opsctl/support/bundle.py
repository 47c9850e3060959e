"""Diagnostics of one customer for whoever troubleshoots (P36): what is chosen, redacted, checked, then packed.

Only fields named here go in, none of them free text by people. A bundle in which anything is left is not written.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import platform
import re
import tarfile
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from importlib import metadata
from typing import TYPE_CHECKING, Any

from opsctl import __version__
from opsctl.adapters.secrets import resolve
from opsctl.core.clock import iso
from opsctl.core.errors import OperationFailed, OpsctlError
from opsctl.profiles.model import KamstrupProfile, Profile
from opsctl.runs.workplace import Workplace
from opsctl.support.log import read
from opsctl.support.redact import left, redacted
from opsctl.support.request import Request

if TYPE_CHECKING:
    from opsctl.ledger import Entry

DAYS = 30
"""Runs of so many days go in."""
_REFERENCE = re.compile(r"[0-9a-f]{64}")
_PACKAGES = ("alembic", "ansible-core", "ansible-runner", "boto3", "paramiko", "psycopg", "pydantic", "sqlalchemy",
             "typer")
_SHARED = ("customer", "hosting", "hosting_from", "zone", "language", "ready", "windows", "sample")


def collect(place: Workplace, profile: Profile, now: datetime, hosts: Mapping[str, Any]) -> dict[str, bytes]:
    """The bundle's files by name, redacted; OperationFailed when something is left that may not leave.

    hosts: what they said, see `fleet.diagnostics`.
    """
    entries = list(place.ledger.entries(profile.customer))
    known = forbidden(place, profile, entries)
    files = {
        "profile.json": _profile(profile), "runs.json": _runs(entries, now), "ledger.json": _ledger(place, profile),
        "timeline.json": [{"sequence": entry.sequence, "at": iso(entry.recorded_at), "kind": entry.kind}
                          for entry in entries if entry.recorded_at >= now - timedelta(days=DAYS)],
        "requests.json": [_request(request, now) for request in read(place, [profile.customer]).values()],
        "hosts.json": hosts, "surroundings.json": _surroundings(place)}
    made = {name: _json(redacted(content, known)) for name, content in files.items()}
    manifest = {
        "customer": profile.customer, "made_at": iso(now), "opsctl": __version__,
        "left_out": "free text, names, addresses, secrets, references to secrets, payloads of entries",
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in made.items()}}
    made["manifest.json"] = _json(redacted(manifest, known))
    for name, content in made.items():
        rest = left(content.decode(), known)
        if rest:
            raise OperationFailed(f"{name} of the bundle would still hold {' and '.join(rest)}; it was not written",
                                  "report this as a defect of opsctl, without the bundle")
    return made


def packed(files: Mapping[str, bytes], customer: str, now: datetime) -> bytes:
    """A .tar.gz of the files in one folder, owned by nobody."""
    made = io.BytesIO()
    with gzip.GzipFile(fileobj=made, mode="wb", mtime=int(now.timestamp())) as stream, tarfile.open(
            fileobj=stream, mode="w") as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(f"opsctl-bundle-{customer}/{name}")
            entry.size, entry.mtime, entry.mode = len(content), int(now.timestamp()), 0o600
            archive.addfile(entry, io.BytesIO(content))
    return made.getvalue()


def forbidden(place: Workplace, profile: Profile, entries: list[Entry]) -> frozenset[str]:
    """Every text that may not leave: people and addresses of the profile, what the ledger keeps of people, secrets."""
    texts = {text for contact in profile.contacts for text in (contact.name, contact.email)} | {*profile.domains}
    texts.add(profile.name)
    texts |= {text for entry in entries for key, text in _keyed(entry.payload) if key == "signer"}
    references = {one for entry in entries for one in _strings(entry.payload) if _REFERENCE.fullmatch(one)}
    for stored in place.ledger.personals(sorted(references)).values():
        texts |= set(_pieces(stored))
    for key, value in _keyed(profile.model_dump(mode="json")):
        if key in {"address", "endpoint", "bucket"}:
            texts.add(value)
        if value.startswith(("env:", "file:/")):
            texts |= {value, *_secret(value)}
    return frozenset(text for text in texts if text and text != profile.customer)


def _secret(reference: str) -> tuple[str, ...]:
    """The secret's text and its lines, where this account can read it; it is compared, never shown."""
    try:
        text = resolve(reference).reveal()
    except OpsctlError:
        return ()
    return (text.strip(), *(line.strip() for line in text.splitlines()),
            *(str(value) for value in _strings(_loaded(text))))


def _pieces(stored: str) -> Iterator[str]:
    yield stored
    for text in _strings(_loaded(stored)):
        yield text
        yield from (line.strip() for line in text.splitlines())
    name, opened, address = stored.partition("<")
    if opened:
        yield name.strip()
        yield address.strip("> ")


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _strings(value: Any) -> Iterator[str]:
    return (text for _, text in _keyed(value))


def _keyed(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from _keyed(item, str(name))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _keyed(item, key)
    elif isinstance(value, str):
        yield key, value


def _profile(profile: Profile) -> dict[str, Any]:
    dumped = profile.model_dump(mode="json")
    found: dict[str, Any] = {name: dumped[name] for name in _SHARED}
    found["freezes"] = [{name: one[name] for name in ("first_day", "last_day")} for one in dumped["freezes"]]
    found["addons"] = [addon["name"] for addon in dumped["addons"]]
    found["agreement"] = {name: dumped["agreement"][name] for name in ("valid_from", "valid_to", "entitlements")
                          } if dumped["agreement"] else None
    if isinstance(profile, KamstrupProfile):
        found["hosts"] = [{"name": host.name, "roles": [role.value for role in host.roles]} for host in profile.hosts]
        found["databases"] = [{"name": one["name"], "engine": one["engine"], "host": one["host"]}
                              for one in dumped["databases"]]
        found["store"] = dumped["backup"]["store"]["kind"]
        found["components"] = [{"name": one["name"], "kind": one["kind"]} for one in dumped["components"]]
        found["thresholds"] = dumped["thresholds"]
    return found


def _runs(entries: list[Entry], now: datetime) -> list[dict[str, Any]]:
    names = ("operation", "service", "status", "summary", "exit_code", "seconds", "promise", "purpose")
    return [{"at": iso(entry.recorded_at), "kind": entry.kind, "run": entry.run,
             **{name: entry.payload[name] for name in names if name in entry.payload}}
            for entry in entries if entry.kind in {"run.started", "run.finished"}
            and entry.recorded_at >= now - timedelta(days=DAYS)]


def _ledger(place: Workplace, profile: Profile) -> dict[str, Any]:
    found = place.ledger.verify(profile.customer)
    return {"entries": dict(found.chains), "integrity": found.integrity.value, "completeness": found.completeness.value,
            "findings": [{"kind": one.kind.value, "sequence": one.sequence} for one in found.findings]}


def _request(request: Request, now: datetime) -> dict[str, Any]:
    """Times, level and verdict; none of the texts that people wrote."""
    return {"id": request.id, "level": request.level, "state": request.state.value, "verdict": request.word(now).value,
            "received": iso(request.received), "channel": request.channel.value, "about": request.about,
            "deadline": iso(request.clock.deadline), "answers": dict(request.answers),
            "started": iso(request.start.at) if request.start else None,
            "closed": iso(request.closed_at) if request.closed_at else None,
            "cause": request.cause.code if request.cause else ""}


def _surroundings(place: Workplace) -> dict[str, Any]:
    settings = place.settings
    return {"python": platform.python_version(), "system": f"{platform.system()} {platform.release()}",
            "packages": {name: _version(name) for name in _PACKAGES},
            "ledger": settings.ledger.url.partition(":")[0] if settings.ledger else "default",
            "set": sorted(name for name in ("ledger", "ssh", "smtp", "approvals") if getattr(settings, name)),
            "policy": settings.policy.model_dump(mode="json")}


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=False, default=str) + "\n").encode()
