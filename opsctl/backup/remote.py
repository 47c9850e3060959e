"""Starting the host program: over SSH, as root, in a transient unit that is a lock on the host and can be stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from opsctl.adapters.ssh import Shell, connect
from opsctl.adapters.ssh_channel import Channel
from opsctl.backup.dialogue import SILENCE_SECONDS, HostProgram, Source
from opsctl.core.errors import ConfigurationError, Locked, OperationFailed, OpsctlError
from opsctl.profiles.hosted import Host
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.workplace import Workplace

RUNTIME_SECONDS = 12 * 3600
PROPERTIES = {"RuntimeMaxSec": str(RUNTIME_SECONDS), "Nice": "5", "IOSchedulingClass": "best-effort",
              "IOSchedulingPriority": "7", "RuntimeDirectoryMode": "0700", "OOMScoreAdjust": "500"}


@dataclass(frozen=True)
class Started:
    """A running host program, the connection it runs over, and the program's hash."""

    program: HostProgram
    shell: Shell
    unit: str
    source: Source


@contextmanager
def open_program(workplace: Workplace, profile: KamstrupProfile, host: Host, unit: str,
                 on_progress: Callable[[int], None] = lambda done: None) -> Iterator[Started]:
    """Connect to `host` and run the host program as `unit`; stopped by name at the end, whatever happens.

    Locked when a unit of that name runs already: another run is at work on this host.
    """
    identity = _identity(workplace)
    source = Source.read(workplace.settings.playbooks)
    seconds = workplace.settings.ssh.connect_seconds if workplace.settings.ssh else 10
    with connect(host, known_hosts=workplace.known_hosts(profile.customer), identity=identity,
                 timeout=seconds, dead_link=SILENCE_SECONDS) as shell:
        channel = shell.open(unit_argv(unit, source.argv(), {"RuntimeDirectory": unit}), sudo=True)
        program = HostProgram(channel, host.name, on_progress)
        try:
            _start(program, channel, source, host, unit)
            yield Started(program, shell, unit, source)
            program.end()
        except Locked:
            raise
        except BaseException:
            _stop(shell, unit)
            raise
        finally:
            program.stop()
            channel.close()


def unit_argv(unit: str, argv: list[str], properties: Mapping[str, str] | None = None) -> list[str]:
    """The command that runs `argv` as a transient unit with this channel as its input and output."""
    wanted = {**PROPERTIES, **(properties or {})}
    return ["systemd-run", "--quiet", "--pipe", "--wait", "--collect", f"--unit={unit}",
            "--description=opsctl at work on a database",
            *(f"--property={name}={value}" for name, value in wanted.items()), *argv]


def _start(program: HostProgram, channel: Channel, source: Source, host: Host, unit: str) -> None:
    try:
        program.start(source)
    except OperationFailed as error:
        said = ""
        with suppress(OpsctlError):
            said = channel.result(5).stderr.decode("utf-8", "replace").strip()
        if "already" in said and unit in said:
            raise Locked(f"{host.name}: {unit} is running already",
                         f"wait for it, or look at it on the host: systemctl status {unit}") from None
        if not said:
            raise
        raise OperationFailed(f"{host.name}: opsctl's program did not start: {said.splitlines()[-1][:300]}",
                              error.resolution) from None


def _stop(shell: Shell, unit: str) -> None:
    # Over a dead link this fails; then silence ends the program, and RuntimeMaxSec the unit.
    with suppress(OpsctlError):
        shell.stop_unit(f"{unit}.service", timeout=20)


def _identity(workplace: Workplace) -> Path:
    if workplace.settings.ssh is None:
        raise ConfigurationError("opsctl.yml names no SSH key", "set `ssh: {identity: /path/to/key}`")
    return workplace.settings.ssh.identity
