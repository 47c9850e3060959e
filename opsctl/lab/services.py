"""The lab's servers as processes: started once, recognised again, never restarted while they are well."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from opsctl.core.clock import iso
from opsctl.core.errors import OperationFailed
from opsctl.lab import authority, network, paths, process
from opsctl.lab.definition import APT_PORT, GATEWAY, SMTP_PORT, STORE_PORT, WEBHOOK_PORT
from opsctl.lab.servers import snapshot

_START_SECONDS = 30


@dataclass(frozen=True)
class ServiceDefinition:
    """One server: its process is `python -m opsctl.lab.servers.NAME`.

    `volatile`: its content is in memory, saved when it is ended in order, lost when it is killed.
    """

    name: str
    port: int
    scheme: str
    volatile: bool = False

    @property
    def module(self) -> str:
        return f"opsctl.lab.servers.{self.name}"

    @property
    def mark(self) -> Path:
        """The pid file."""
        return paths.SERVICES / f"{self.name}.json"

    @property
    def log(self) -> Path:
        return paths.SERVICES / f"{self.name}.log"

    @property
    def history(self) -> Path:
        """`{"started": TIME, "lost": [TIME, ...]}` for a volatile server."""
        return paths.SERVICES / f"{self.name}-history.json"

    @property
    def address(self) -> str:
        return f"{self.scheme}://{GATEWAY}:{self.port}"


SERVICES: tuple[ServiceDefinition, ...] = (
    ServiceDefinition("apt", APT_PORT, "http"),
    ServiceDefinition("s3", STORE_PORT, "https", volatile=True),
    ServiceDefinition("smtp", SMTP_PORT, "smtp"),
    ServiceDefinition("webhook", WEBHOOK_PORT, "http"),
)


def service(name: str) -> ServiceDefinition:
    """The server called `name`; KeyError when the lab has none."""
    for candidate in SERVICES:
        if candidate.name == name:
            return candidate
    raise KeyError(name)


def running(definition: ServiceDefinition) -> bool:
    """Whether the server's process lives, is not suspended, and listens."""
    known = process.find(definition.mark)
    return known is not None and not process.suspended(known) and network.listens(GATEWAY, definition.port)


def start_services(progress: Callable[[str], None], names: tuple[str, ...] = ()) -> None:
    """Start whatever server is not running (all, or those named); the bridge has to be up."""
    network.require_bridge()
    authority.ensure_server_certificate(paths.SERVICES / "tls", GATEWAY, ("lab.example",))
    starting = [one for one in SERVICES if (not names or one.name in names) and not running(one)]
    for definition in starting:
        progress(f"Starting {definition.name}")
        stop_service(definition)
        if definition.volatile:
            _note_start(definition)
        process.start_detached(definition.module, (), definition.mark, definition.log)
    for definition in starting:
        process.require(lambda one=definition: running(one), _START_SECONDS,  # type: ignore[misc]
                        f"The lab's server {definition.name} does not listen at {definition.address}.",
                        f"Read {definition.log}; another program may hold the port.")


def stop_service(definition: ServiceDefinition) -> None:
    """End the server when it runs."""
    known = process.find(definition.mark)
    if known is not None:
        process.stop(known, seconds=60 if definition.volatile else 3)
    if definition.volatile:
        shutil.rmtree(paths.SERVICES / f"{definition.name}-spill", ignore_errors=True)


def losses(definition: ServiceDefinition) -> tuple[str, ...]:
    """When this volatile server had to start empty since the lab's store was made; its content was lost then."""
    return tuple(_history(definition).get("lost", []))


def forget_losses() -> None:
    """The store and the ledger start anew together: earlier losses mean nothing any more."""
    for definition in SERVICES:
        definition.history.unlink(missing_ok=True)


def _note_start(definition: ServiceDefinition) -> None:
    history = _history(definition)
    now = iso(datetime.now(UTC).replace(microsecond=0))
    saved = snapshot.STATE.exists()
    lost = [*history.get("lost", []), *([now] if history and not saved else [])]
    definition.history.write_text(json.dumps({"started": now, "lost": lost}), encoding="utf-8")


def _history(definition: ServiceDefinition) -> dict[str, list[str]]:
    try:
        content = json.loads(definition.history.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise OperationFailed(f"{definition.history} is not readable.", "Run `opsctl lab reset`.") from error
    return content if isinstance(content, dict) else {}
