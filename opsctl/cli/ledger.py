"""`opsctl ledger`: verify and export the evidence."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.cli.command import Kind, command, group
from opsctl.cli.files import require_writable, write
from opsctl.cli.ledger_verdict import offline, online, verified
from opsctl.cli.result import Result
from opsctl.cli.workplace import ledger_url, require_ledger, settings, workplace
from opsctl.core.errors import ConfigurationError, ExitCode, UsageError

if TYPE_CHECKING:
    from opsctl.runs.workplace import Workplace

app = group("The evidence: verify and export it.")
_EVIDENCE = "it reads evidence and delivers nothing"
Chain = Annotated[str | None, typer.Argument(metavar="[CHAIN]", help="A customer, or operator; all by default.")]


@command(app, "ledger", "verify", kind=Kind.ASKS, without=_EVIDENCE)
def verify(chain: Chain = None,
           export: Annotated[Path | None, typer.Option("--file", metavar="FILE",
                                                       help="Verify an exported file instead, offline.")] = None,
           checkpoints: Annotated[list[Path] | None, typer.Option(
               "--checkpoint", metavar="FILE", help="With --file: compare with it; can be repeated.")] = None,
           ) -> Result:
    """Read every entry again and check the hash chain; exit code 9 when the evidence is damaged.

    Two verdicts: integrity (is what is there what was recorded) and completeness (is all there that was recorded),
    which the checkpoints kept elsewhere vouch for.
    """
    from opsctl.support import index

    if export is not None:
        return verified(*offline(export, checkpoints or []))
    if checkpoints:
        raise UsageError("--checkpoint goes with --file", "without --file the store of `checkpoints` in opsctl.yml "
                         "is read")
    require_ledger()
    with workplace(acts=False) as place:
        found, witness = online(place, chain)
        _require_known(chain, found.chains, place)
        # Damaged entries are told already, and give no index.
        differing = index.differing(place.ledger, found.chains) if found.sound else ()
    return verified(found, witness, differing)


@command(app, "ledger", "checkpoint", kind=Kind.ACTS, without="it vouches for evidence and delivers nothing")
def checkpoint() -> Result:
    """Write how long every chain is now into the store of `checkpoints`, under lock; `nightly` does it too."""
    from opsctl.fleet.checkpoints import write_checkpoint

    with workplace(acts=True) as place:
        written = write_checkpoint(place)
    if written is None:
        raise ConfigurationError("no store for the ledger's checkpoints is set",
                                 "set `checkpoints: {store: ...}` in opsctl.yml, to where the ledger's own account "
                                 "cannot change what is there")
    open_to_removal = () if written.locked_until else (
        f"{written.place} does not lock objects: whoever may write there could remove a checkpoint",)
    return Result({"key": written.key, "number": written.number, "chains": written.chains, "place": written.place,
                   "locked_until": written.locked_until},
                  f"checkpoint {written.number} of {written.chains} chains written to {written.place}"
                  + (f", locked until {written.locked_until}" if written.locked_until else ""),
                  ExitCode.OK, open_to_removal)


@command(app, "ledger", "export", kind=Kind.ASKS, without=_EVIDENCE)
def export_lines(chain: Chain = None,
                 output: Annotated[Path | None, typer.Option("--output", metavar="FILE",
                                                             help="Write there (0600) instead of stdout.")] = None,
                 ) -> Result:
    """Export entries as JSON Lines, which `ledger verify --file` checks without the database."""
    if output is not None:
        require_writable(output)
    require_ledger()
    with workplace(acts=False) as place:
        _require_known(chain, place.ledger.chains(), place)
        lines = list(place.ledger.export(chain))
    if output is None:
        return Result({"lines": lines}, "\n".join(lines))
    write(output, "".join(f"{line}\n" for line in lines).encode(), mode=0o600)
    return Result({"file": str(output), "entries": len(lines)}, f"{len(lines)} lines written to {output}")


def _require_known(chain: str | None, chains: Collection[str], place: Workplace) -> None:
    """A chain without an entry that no customer has either is a mistyped name, and nothing to call sound."""
    from opsctl.profiles.loader import customer_names

    if chain is not None and chain not in chains and chain not in customer_names(place.settings.inventories):
        raise UsageError("the ledger has no such chain, and there is no such customer",
                         f"name one of {', '.join(sorted(place.ledger.chains())) or 'the customers'}")


@command(app, "ledger", "rebuild", kind=Kind.ACTS, without="it changes the ledger's tables, not a customer's system")
def rebuild() -> Result:
    """Make the tables of newest entries and of requests anew from the entries; the evidence itself is not touched.

    For after `ledger verify` found one of them to differ. That it was done is recorded in the chain operator.
    """
    from opsctl.core.outcome import OPERATOR
    from opsctl.ledger.model import REBUILT
    from opsctl.support.index import mend_all

    require_ledger()
    with workplace(acts=True) as place:
        rows = place.ledger.rebuild()
        indexed = mend_all(place.ledger)
        entry = place.ledger.append(OPERATOR, REBUILT, {"rows": rows, "indexed": list(indexed)}, actor=place.actor)
    return Result({"rows": rows, "indexed": list(indexed), "evidence": entry.reference},
                  f"{rows} rows made anew{_indexed(indexed)}; recorded as {entry.reference}")


@command(app, "ledger", "upgrade", kind=Kind.ACTS, without="it changes the ledger's tables, not a customer's system")
def upgrade() -> Result:
    """Bring an older ledger's tables to this opsctl's revision; mend dropped triggers and the index of requests."""
    from opsctl.ledger import upgrade_ledger
    from opsctl.support.index import mend_all

    before, after, restored = upgrade_ledger(ledger_url(settings(), acts=True))
    with workplace(acts=True) as place:
        made = mend_all(place.ledger)
    lines = [(f"already at {after}" if before == after else f"from {before} to {after}") + _indexed(made),
             *(f"put back: the trigger {name}" for name in restored)]
    return Result({"before": before, "after": after, "restored": list(restored), "indexed": list(made)},
                  "\n".join(lines))


def _indexed(chains: Collection[str]) -> str:
    return f"; index of requests made anew for {', '.join(chains)}" if chains else ""
