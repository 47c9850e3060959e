"""What a patch run that died has installed all the same: read from the hosts, so that the change log lacks nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from opsctl.core.errors import OperationFailed, OpsctlError
from opsctl.maintenance.evidence import APPLIED, FAILED, PATCHED, STARTED
from opsctl.profiles.hosted import Host
from opsctl.profiles.model import Profile, hosts_of
from opsctl.runs.service import Run

if TYPE_CHECKING:
    from opsctl.ledger import Entry

KINDS = (STARTED, APPLIED)


def unsettled(entries: Iterable[Entry], mine: str) -> dict[str, Entry]:
    """By host the newest start that no result followed, of runs other than `mine`. entries: of KINDS, in order."""
    found: dict[str, Entry] = {}
    for entry in entries:
        host = str(entry.payload["host"])
        if entry.kind == STARTED and entry.run != mine:
            found[host] = entry
        else:
            found.pop(host, None)
    return found


def settled(started: Mapping[str, Any], died: str, versions: Mapping[str, str]) -> dict[str, Any]:
    """The result that the dead run could not record. started: payload; versions: what is installed now, by package."""
    after = {name: versions.get(name, "") for name in started["packages"]}
    whole = after == dict(started["packages"])
    return {
        "host": started["host"], "result": PATCHED if whole else FAILED, "died": died,
        "message": f"the run {died} died meanwhile; what is installed was read from the host afterwards",
        "plan": started["plan"], "revision": started["revision"], "security_only": started["security_only"],
        "before": dict(started["before"]), "after": after, "restarted": [], "repaired": [],
        # Whether it was restarted is not known; one that is still needed is found by the next plan.
        "reboot": {"needed": False, "by": [], "done": False, "boot_before": "", "boot_after": ""}}


def settle(run: Run, profile: Profile) -> None:
    """Record what dead runs have installed. A host that cannot be read is left for the next run."""
    open_ = unsettled(run.workplace.ledger.entries(run.customer, kinds=KINDS), run.id)
    for host in (one for one in hosts_of(profile) if one.name in open_):
        started = open_[host.name]
        try:
            versions = _versions(run, host, list(started.payload["packages"]))
        except OpsctlError as error:
            run.say(f"{host.name}: what {started.run} did cannot be read yet: {error.message}")
            continue
        payload = settled(started.payload, started.run, versions)
        run.record(APPLIED, payload)
        run.say(f"{host.name}: {payload['result']}, by {started.run}, which died")


def _versions(run: Run, host: Host, packages: list[str]) -> dict[str, str]:
    from opsctl.adapters.ssh import connect
    from opsctl.runs.playbook import identity

    if not packages:
        return {}
    place = run.workplace
    with connect(host, known_hosts=place.known_hosts(run.customer), identity=identity(place)) as shell:
        said = shell.run(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version}\\n", "--", *packages])
    # 1 where one of them is not there, with the others told all the same (dpkg-query(1)).
    if said.exit_code not in (0, 1):
        raise OperationFailed(f"{host.name}: dpkg does not tell what is installed (exit code {said.exit_code})",
                              "look into it with `dpkg --audit` on the host")
    rows = (line.split(" ") for line in said.text().splitlines())
    return {row[1]: row[2] for row in rows if len(row) == 3 and row[0] == "installed"}
