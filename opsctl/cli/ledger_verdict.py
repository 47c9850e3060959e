"""The two verdicts on a ledger: gathered from the ledger or a file, and told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.cli.result import Result, table
from opsctl.core.errors import ConfigurationError, ExitCode, OpsctlError

if TYPE_CHECKING:
    from opsctl.fleet.checkpoints import Found
    from opsctl.ledger import Verification
    from opsctl.runs.workplace import Workplace


@dataclass(frozen=True)
class Witness:
    """What vouches for completeness. said: in words. count: checkpoints read. failure: why they were not read."""

    said: str
    count: int = 0
    failure: OpsctlError | None = None


def offline(export: Path, checkpoints: Sequence[Path]) -> tuple[Verification, Witness]:
    """An exported file, with checkpoints from files. ConfigurationError when one cannot be read."""
    from opsctl.ledger import verify_export
    from opsctl.ledger.checkpoints import PREFIX, unseal

    known = []
    for path in checkpoints:
        try:
            known.append(unseal(PREFIX + path.name, path.read_bytes()).chains)
        except OSError:
            raise ConfigurationError(f"{path} cannot be read", "check the name and its rights") from None
        except ValueError:
            raise ConfigurationError(f"{path} is no checkpoint, or was changed or renamed",
                                     "take it from the store as it is, with its name") from None
    try:
        with export.open(encoding="utf-8") as lines:
            found = verify_export(lines, known)
    except OSError:
        raise ConfigurationError(f"{export} cannot be read", "check the name and its rights") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{export} is not an exported ledger",
                                 "name a file that `opsctl ledger export --output` wrote") from None
    said = f"{len(known)} checkpoint{'' if len(known) == 1 else 's'} given" if known else "no checkpoint was given"
    return found, Witness(said, len(known))


def online(place: Workplace, chain: str | None) -> tuple[Verification, Witness]:
    """The ledger, with the checkpoints of their store. A store that is not reached leaves completeness unknown."""
    from opsctl.fleet.checkpoints import read_checkpoints
    from opsctl.ledger import Verdict
    from opsctl.ledger.model import conclude

    try:
        kept = read_checkpoints(place)
    except OpsctlError as error:
        found = place.ledger.verify(chain)
        unknown = found.completeness if found.completeness is Verdict.BROKEN else Verdict.UNKNOWN
        return (replace(found, completeness=unknown),
                Witness(f"the checkpoints were not read: {error.message}", 0, error))
    if kept is None:
        return place.ledger.verify(chain), Witness("no checkpoint is kept elsewhere; set `checkpoints` in opsctl.yml")
    found = place.ledger.verify(chain, [one.chains for one in kept.sealed])
    both = (*found.findings, *kept.findings)
    found = conclude(found.chains, both, vouched=bool(found.chains), checkpointed=found.checkpointed)
    return found, Witness(_said(found, kept), len(kept.sealed))


def _said(found: Verification, kept: Found) -> str:
    if not kept.sealed:
        return f"no checkpoint is in {kept.place} yet; `opsctl ledger checkpoint` or the nightly run writes one"
    last, count = kept.sealed[-1], len(kept.sealed)
    new = sorted(set(found.chains) - set(last.chains))
    told = (f"{count} checkpoint{'' if count == 1 else 's'} in {kept.place}, "
            f"the last of {last.written_at:%Y-%m-%d %H:%M} UTC")
    return told + (f"; it does not know {', '.join(new)} yet" if new else "; entries since then rest on the head rows")


def verified(found: Verification, witness: Witness, differing: Sequence[str] = ()) -> Result:
    """Both verdicts with every finding; exit code 9 for damage, the store's own when it was not reached.

    differing: chains whose index of requests is not what the entries give.
    """
    rows = [(name, count, sum(1 for f in found.findings if f.chain == name) or "none")
            for name, count in found.chains.items()]
    text = [table(("chain", "entries", "findings"), rows) if rows else "the ledger is empty",
            *[f"  {f.chain or 'ledger'}{f':{f.sequence}' if f.sequence else ''} {f.kind.value}: {f.detail}"
              for f in found.findings], "",
            f"integrity {found.integrity.value}", f"completeness {found.completeness.value} ({witness.said})",
            *(f"{name}: the index of requests differs from the entries; `opsctl ledger rebuild` makes it anew"
              for name in differing)]
    findings = [{"chain": f.chain, "kind": f.kind.value, "sequence": f.sequence, "detail": f.detail}
                for f in found.findings]
    errors: list[dict[str, object]] = [{"message": f"{f['chain'] or 'ledger'}: {f['kind']}", **f} for f in findings]
    errors += [{"message": f"{name}: the index of requests differs from the entries",
                "resolution": "`opsctl ledger rebuild` makes it anew"} for name in differing]
    code = ExitCode.OK if found.sound and not differing else ExitCode.EVIDENCE_DAMAGED
    if witness.failure is not None:
        text += ["", f"What to do: {witness.failure.resolution}"]
        errors.append({"message": witness.failure.message, "resolution": witness.failure.resolution,
                       "exit_code": int(witness.failure.exit_code)})
        code = code or witness.failure.exit_code
    return Result({"chains": dict(found.chains), "integrity": found.integrity.value,
                   "completeness": found.completeness.value, "checkpointed": found.checkpointed,
                   "checkpoints": witness.count, "witness": witness.said, "findings": findings,
                   "index_differs": list(differing)},
                  "\n".join(text), code, (), tuple(errors))
