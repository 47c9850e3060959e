"""`opsctl ledger`: verify and export the evidence."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.cli.command import Kind, command, group
from opsctl.cli.files import require_writable, write
from opsctl.cli.result import Result, table
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
           ) -> Result:
    """Read every entry again and check the hash chain; exit code 9 when the evidence is damaged."""
    from opsctl.ledger import verify_export
    from opsctl.support import index

    differing: tuple[str, ...] = ()
    if export is not None:
        try:
            with export.open(encoding="utf-8") as lines:
                found = verify_export(lines)
        except OSError:
            raise ConfigurationError(f"{export} cannot be read", "check the name and its rights") from None
        except UnicodeDecodeError:
            raise ConfigurationError(f"{export} is not an exported ledger",
                                     "name a file that `opsctl ledger export --output` wrote") from None
    else:
        require_ledger()
        with workplace(acts=False) as place:
            found = place.ledger.verify(chain)
            _require_known(chain, found.chains, place)
            # Damaged entries are told already, and give no index.
            differing = index.differing(place.ledger, found.chains) if found.sound else ()
    rows = [(name, count, sum(1 for f in found.findings if f.chain == name) or "none")
            for name, count in found.chains.items()]
    text = [table(("chain", "entries", "findings"), rows) if rows else "the ledger is empty",
             *[f"  {f.chain}{f':{f.sequence}' if f.sequence else ''} {f.kind.value}: {f.detail}"
               for f in found.findings], "",
             f"integrity {found.integrity.value}, completeness {found.completeness.value}"
             + ("" if found.checkpointed else " (no checkpoint kept elsewhere to compare with)")]
    text += [f"{name}: the index of requests differs from the entries; `opsctl ledger rebuild` makes it anew"
             for name in differing]
    findings = [{"chain": f.chain, "kind": f.kind.value, "sequence": f.sequence, "detail": f.detail}
                for f in found.findings]
    return Result({"chains": dict(found.chains), "integrity": found.integrity.value,
                   "completeness": found.completeness.value, "checkpointed": found.checkpointed,
                   "findings": findings, "index_differs": list(differing)}, "\n".join(text),
                  ExitCode.OK if found.sound and not differing else ExitCode.EVIDENCE_DAMAGED, (),
                  (*({"message": f"{f['chain']}: {f['kind']}", **f} for f in findings),
                   *({"message": f"{name}: the index of requests differs from the entries",
                      "resolution": "`opsctl ledger rebuild` makes it anew"} for name in differing)))


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
    from opsctl.fleet.nightly import OPERATOR
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
    """Bring an older ledger's tables to this opsctl's revision, and the index of requests in line with the entries."""
    from opsctl.ledger import upgrade_ledger
    from opsctl.support.index import mend_all

    before, after = upgrade_ledger(ledger_url(settings(), acts=True))
    with workplace(acts=True) as place:
        made = mend_all(place.ledger)
    return Result({"before": before, "after": after, "indexed": list(made)},
                  (f"already at {after}" if before == after else f"from {before} to {after}") + _indexed(made))


def _indexed(chains: Collection[str]) -> str:
    return f"; index of requests made anew for {', '.join(chains)}" if chains else ""
