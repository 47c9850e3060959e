"""Playbooks as the rooms use them: a survey that only reads many customers at once, or work on one customer."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import ConfigurationError, OpsctlError
from opsctl.profiles.inventory import host_variables, in_order
from opsctl.profiles.model import Profile
from opsctl.runs.alive import died_here, mark
from opsctl.runs.logs import keep_log
from opsctl.runs.service import Run
from opsctl.runs.workplace import Workplace

if TYPE_CHECKING:
    from opsctl.adapters.ansible import PlaybookResult
    from opsctl.adapters.ansible_catalogue import Operation
    from opsctl.adapters.ansible_inventory import Target
    from opsctl.adapters.reading import Reading

SURVEY_FORKS = 20
SURVEYS = "surveys"
"""Beside the runs' folders; none of a survey that ended."""


def targets_of(workplace: Workplace, profile: Profile,
               variables: Mapping[str, Mapping[str, Any]] | None = None,
               only: Iterable[str] | None = None) -> tuple[Target, ...]:
    """The profile's hosts, databases first. variables: more of them by host name. only: names to keep."""
    from opsctl.adapters.ansible_inventory import Target

    wanted = None if only is None else set(only)
    return tuple(
        Target(profile.customer, host, workplace.known_hosts(profile.customer),
               {**host_variables(profile, host), **(variables or {}).get(host.name, {})})
        for host in in_order(profile) if wanted is None or host.name in wanted)


def names_of(profile: Profile) -> list[str]:
    """The names of the profile's hosts, databases first."""
    return [host.name for host in in_order(profile)]


def survey(workplace: Workplace, profiles: Sequence[Profile], operation: Operation,
           variables: Mapping[str, Any] | None = None, *, only: Collection[str] | None = None,
           deadline_seconds: float = 900, cancelled: Callable[[], bool] = lambda: False) -> PlaybookResult:
    """One run over all hosts of all profiles; only for operations that change nothing. only: names of hosts to keep.

    It carries no secret. OperationFailed when it reached no host at all; a single host that failed is
    told apart in the result, one that had not answered when it was cancelled is missing there.
    """
    from opsctl.adapters.ansible import Order, run_playbook
    from opsctl.adapters.reading import reading_of

    targets = [target for profile in profiles for target in targets_of(workplace, profile, only=only)]
    reading = reading_of(workplace.settings.playbooks, operation)
    if reading is not None:
        return _read(workplace, operation, reading, targets, variables or {}, deadline_seconds, cancelled)
    name = f"{workplace.clock.now():%Y%m%dt%H%M%S}-{operation.command.replace(' ', '-')}-{secrets.token_hex(3)}"
    with _private(workplace.runs / SURVEYS / name) as folder:
        return run_playbook(Order(
            operation, targets, workplace.settings.playbooks, identity(workplace), folder, name,
            variables=variables or {}, forks=SURVEY_FORKS, deadline_seconds=deadline_seconds, cancelled=cancelled,
            on_task=lambda target, task: workplace.progress.step(target.customer, f"{target.host.name}: {task}")))


def _read(workplace: Workplace, operation: Operation, reading: Reading, targets: Sequence[Target],
          variables: Mapping[str, Any], deadline_seconds: float, cancelled: Callable[[], bool]) -> PlaybookResult:
    """The same without Ansible, for what is one of our modules in one task."""
    from opsctl.adapters.ansible import PlaybookResult
    from opsctl.adapters.ansible_catalogue import revision
    from opsctl.adapters.ansible_events import Predicted
    from opsctl.adapters.ansible_inventory import checked_known_hosts
    from opsctl.adapters.ansible_process import sigterm_interrupts
    from opsctl.adapters.reading import SECONDS, read_hosts

    for target in targets:
        checked_known_hosts(target)
    with sigterm_interrupts():
        found = read_hosts(
            reading, targets, identity(workplace), variables, threads=SURVEY_FORKS,
            on_host=lambda target: workplace.progress.step(target.customer, f"{target.host.name}: {reading.task}"),
            seconds=min(SECONDS, int(deadline_seconds)), cancelled=lambda: cancelled() or workplace.ending.wanted)
    for customer in dict.fromkeys(target.customer for target in targets):
        workplace.progress.step(customer, "")
    workplace.ending.check()
    text_revision = revision(workplace.settings.playbooks, operation.playbook)
    return PlaybookResult(operation.playbook, "read", text_revision, found, Predicted())


def play(run: Run, targets: Sequence[Target], operation: Operation, variables: Mapping[str, Any], *,
         on_data: Callable[[Target, Mapping[str, Any]], None] | None = None, check: bool = False,
         partly: bool = False, deadline_seconds: float = 4 * 3600) -> PlaybookResult:
    """Run the operation on one customer's hosts within `run`, whose id names the units on the hosts.

    OperationFailed names the hosts that failed, unless the caller tells them apart itself (`partly`).
    It is cancelled when the run's lease is lost: another run may be at work already. KeyboardInterrupt when
    everything is to end.
    """
    from opsctl.adapters.ansible import Order, run_playbook

    try:
        result = run_playbook(Order(
            operation, targets, run.workplace.settings.playbooks, identity(run.workplace), run.folder, run.id,
            variables=variables, check=check, deadline_seconds=deadline_seconds, on_data=on_data,
            cancelled=lambda: run.lease.lost or run.workplace.ending.wanted,
            on_task=lambda target, task: run.step(f"{target.host.name}: {task}")))
    except OpsctlError:
        run.workplace.ending.check()
        raise
    finally:
        keep_log(run.folder / f"{operation.playbook}.log", run.workplace.runs, run.id)
    return result if partly else result.require_all()


def end_leftovers(workplace: Workplace, run: str) -> None:
    """End the playbook of a run that was killed, if it is on this machine: it must not work beside its successor."""
    _end(workplace.runs / run)


def _end(folder: Path) -> None:
    from opsctl.adapters.ansible_process import end_run

    end_run(folder)


def stop_on_hosts(workplace: Workplace, profile: Profile, run: str) -> None:
    """Stop what a run left at work on the customer's hosts; one that is not reached is found out by what follows."""
    from opsctl.adapters.ansible_process import stop_units

    stop_units(targets_of(workplace, profile), identity(workplace), run)


def identity(workplace: Workplace) -> Path:
    """The private key for the hosts; ConfigurationError when the settings name none."""
    ssh = workplace.settings.ssh
    if ssh is None:
        raise ConfigurationError("opsctl.yml names no private key for the hosts",
                                 "set `ssh: {identity: /path/to/key}` in opsctl.yml")
    if not ssh.identity.is_file():
        raise ConfigurationError(f"the private key {ssh.identity} does not exist", "set ssh.identity in opsctl.yml")
    return ssh.identity


@contextmanager
def _private(folder: Path) -> Iterator[Path]:
    for left in folder.parent.glob("*/"):
        if died_here(left):
            _end(left)
            shutil.rmtree(left, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.mkdir(mode=0o700)
    mark(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
