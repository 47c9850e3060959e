"""`opsctl backup restore`: into a new data directory, tried out on a server of its own, or into a new database."""

from __future__ import annotations

from typing import Annotated

import typer

from opsctl.cli.custody import BackupId, Second, custody, newest
from opsctl.cli.result import Result, outcomes_result
from opsctl.cli.workplace import Customer, DryRun, Yes, confirm, workplace


def restore(customer: Customer, backup: BackupId = None, *,
            host: Annotated[str, typer.Option("--host", help="The customer's host to restore on.")],
            identity: Annotated[str, typer.Option("--identity", metavar="REFERENCE",
                                                  help="Where the age identity is: file:/path or env:NAME.")],
            directory: Annotated[str, typer.Option("--directory", metavar="PATH", help=(
                "Physical: a new or empty folder on that host, for the data."))] = "",
            database: Annotated[str, typer.Option("--database", metavar="NAME", help=(
                "Logical: a new database's name in that host's server."))] = "",
            cluster: Annotated[str, typer.Option("--cluster", help="Logical, PostgreSQL: Debian's cluster.")] = "main",
            port: Annotated[int, typer.Option("--port", min=1024, max=65535,
                                              help="Loopback port of the server that tries it out.")] = 5499,
            start: Annotated[bool, typer.Option("--start/--no-start", help="Start a server and check it.")] = True,
            leave_running: Annotated[bool, typer.Option("--leave-running", help="Do not stop that server.")] = False,
            accept_unrecorded: Annotated[bool, typer.Option(
                "--accept-unrecorded", help="Restore although the ledger does not know this manifest.")] = False,
            second: Second = False, dry_run: DryRun = False, yes: Yes = False) -> Result:
    """Restore into a new data directory or a new database and check it; what runs is not touched."""
    from opsctl.adapters.secrets import resolve
    from opsctl.backup.restore import restore as restore_backup
    from opsctl.backup.restore import target_of

    target_of(directory, database, cluster, port)
    with workplace(acts=True) as place:
        found = custody(place, customer)
        chosen = backup or newest(place, found, second=second)
        secret = resolve(identity)
        if not dry_run:
            confirm(f"Restore {chosen} into {directory or database} on {host}? What was written to it after that "
                    "backup is not in it; the running database stays as it is.", yes)
        outcome = restore_backup(place, found, chosen, host=host, directory=directory, database=database,
                                 cluster=cluster, identity=secret, port=port,
                                 start=start, leave_running=leave_running, dry_run=dry_run,
                                 accept_unrecorded=accept_unrecorded, second=second)
    return outcomes_result([outcome], tail=_details(dict(outcome.data)))


def rehearse(customer: Customer, backup: BackupId = None, *,
             identity: Annotated[str, typer.Option("--identity", metavar="REFERENCE", help=(
                 "Where the age identity is: file:/path or env:NAME; the profile's by default."))] = "",
             host: Annotated[str, typer.Option("--host", help=(
                 "The customer's host to restore on; the database's own by default."))] = "",
             second: Second = False) -> Result:
    """Restore a backup for the exercise, check it, take it away again, and record how long it took."""
    from opsctl.adapters.secrets import resolve
    from opsctl.backup.rehearse import rehearse as rehearse_backup
    from opsctl.core.errors import UsageError

    with workplace(acts=True) as place:
        found = custody(place, customer)
        ready = found.backup.rehearsal
        if not identity and ready is None:
            raise UsageError("a rehearsal needs an identity", "give --identity, or name one in the profile: "
                                                              "`backup.rehearsal.identity`")
        outcome = rehearse_backup(place, found, backup_id=backup or "", second=second,
                                  host=host or (ready.host if ready and ready.host else ""),
                                  identity=resolve(identity or (ready.identity if ready else "")))
    return outcomes_result([outcome], tail=_details(dict(outcome.data)))


def _details(data: dict[str, object]) -> str:
    rows = data.get("rows")
    lines = [f"configuration  {data['configuration']}"] if data.get("configuration") else []
    if isinstance(rows, dict):
        lines += [f"rows           {name} {count}" for name, count in rows.items()]
    seconds = data.get("seconds")
    if isinstance(seconds, dict):
        lines.append("seconds        " + ", ".join(f"{name} {value}" for name, value in seconds.items()))
    if data.get("unit"):
        lines.append(f"still running  stop it with: systemctl stop {data['unit']}")
    return "\n".join(lines)
