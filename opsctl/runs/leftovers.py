"""What a run that was killed left behind is found and put right by the next run of its customer.

Here: the playbook that outlived it, its private folder, its lease. On the hosts: its units, which get time to end,
since an installation that is cut short is worse than one that ends late. In monitoring: its silences.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import OperationFailed, OpsctlError
from opsctl.profiles.model import Profile, hosts_of
from opsctl.runs.alive import died_here
from opsctl.runs.playbook import end_leftovers
from opsctl.runs.service import HOSTS, Run, lease_of
from opsctl.runs.silencing import end_left
from opsctl.runs.workplace import Workplace

if TYPE_CHECKING:
    from opsctl.adapters.ssh import Shell
    from opsctl.adapters.ssh_channel import Completed
    from opsctl.ledger import Entry
    from opsctl.profiles.hosted import Host

MENDED = "run.mended"
LAST = 400
"""So many of the newest starts and ends are looked at: what died earlier was found by a run since."""
PATIENCE_SECONDS = 300.0
BACK_SECONDS = 120.0
NONE, ENDED, STOPPED = "nothing was at work", "ended by itself", "was stopped"


def dead_runs(entries: Iterable[Entry], mine: str, alive: Collection[str] = (),
              gone: Callable[[str], bool] = lambda run: False) -> tuple[str, ...]:
    """Runs on the customer's hosts that began and neither ended nor were put right. entries: oldest first.

    Whoever asks holds the lease of those hosts (its run is `mine`), so none that took it is at work any more. Work on
    hosts under another lease, such as a restore, may be: it is dead only when its process is known to be gone.
    alive: the runs that own a lease now.
    """
    begun: dict[str, str] = {}
    for entry in entries:
        if entry.kind == "run.started":
            usual = lease_of(str(entry.payload["operation"]))
            # Older entries do not name the lease.
            lease = str(entry.payload.get("lease", usual))
            if HOSTS in {lease, usual}:
                begun[entry.run] = lease
        elif entry.kind == "run.finished":
            begun.pop(entry.run, None)
        elif entry.kind == MENDED:
            for run in entry.payload["died"]:
                begun.pop(run, None)
    begun.pop(mine, None)
    return tuple(run for run, lease in begun.items() if run not in alive and (lease == HOSTS or gone(run)))


def free_dead_lease(workplace: Workplace, name: str) -> None:
    """Free the lease when the run that has it died on this machine: nobody need wait for its time to pass."""
    for lease in workplace.ledger.leases():
        if lease.name == name and died_here(workplace.runs / lease.owner):
            workplace.ledger.release(lease)


def mend(run: Run, profile: Profile) -> tuple[str, ...]:
    """Put right what dead runs left; what was found, one line each; none when nothing was left.

    A host that cannot be reached is asked again by the next run.
    """
    place = run.workplace
    # Read before the entries: a run that ends meanwhile is then either alive or ended.
    alive = {lease.owner for lease in place.ledger.leases() if not lease.expired}
    entries = place.ledger.entries(run.customer, kinds=("run.started", "run.finished", MENDED), newest_first=True,
                                   limit=LAST)
    dead = dead_runs(reversed(list(entries)), run.id, alive, lambda one: died_here(place.runs / one))
    if not dead:
        return ()
    for one in dead:
        end_leftovers(place, one)
        shutil.rmtree(place.runs / one, ignore_errors=True)
    found = {host.name: _settled(run, host, dead) for host in hosts_of(profile)}
    lines = [f"{name}: what it began {state}" for name, state in found.items() if state != NONE]
    loud = end_left(run)
    if not any(state.startswith("cannot") for state in found.values()):
        run.record(MENDED, {"died": list(dead), "hosts": found})
    return (f"an earlier run died before it ended ({', '.join(dead)})" + (f"; {'; '.join(lines)}" if lines else ""),
            *loud)


def _settled(run: Run, host: Host, dead: Sequence[str]) -> str:
    from opsctl.adapters.ssh import connect

    place = run.workplace
    if place.settings.ssh is None:
        return "cannot be known: opsctl.yml names no private key"
    # A patch run may have died while the host restarted.
    until = time.monotonic() + (BACK_SECONDS if any("-patch-" in one for one in dead) else 0)
    while True:
        try:
            with connect(host, known_hosts=place.known_hosts(run.customer), identity=place.settings.ssh.identity,
                         timeout=place.settings.ssh.connect_seconds) as shell:
                states = [_wait(run, host.name, shell, one) for one in dead]
            return next((state for state in (STOPPED, ENDED) if state in states), NONE)
        except OpsctlError as error:
            if time.monotonic() >= until or run.workplace.ending.wanted:
                return f"cannot be known: {error.message}"
            run.step(f"{host.name}: waiting for it to come back")
            time.sleep(2)


def _wait(run: Run, host: str, shell: Shell, dead: str) -> str:
    """Wait for the dead run's units, a backup's not at all, and stop what does not end."""
    pattern, state = f"opsctl-{dead}*", NONE
    end = time.monotonic() + (0 if "-backup-" in dead else PATIENCE_SECONDS)
    listing: Any = ["systemctl", "list-units", "--plain", "--no-legend", "--state=active,activating,deactivating",
                    pattern]
    while units := _units(host, shell.run(listing, sudo=True)):
        if time.monotonic() >= end or run.workplace.ending.wanted:
            shell.stop_unit(pattern)
            return STOPPED
        if state == NONE:
            run.say(f"{host}: waiting for {units[0]}, which a run that died left at work")
        state = ENDED
        time.sleep(2)
    return state


def _units(host: str, said: Completed) -> list[str]:
    if said.exit_code != 0:
        raise OperationFailed(f"{host}: systemd does not tell what is at work (exit code {said.exit_code})",
                              "look into it with `systemctl list-units` on the host")
    return said.text().split()
