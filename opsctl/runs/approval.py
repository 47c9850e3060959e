"""Approval of a plan by a signature over its hash, in time and, where asked for, by another person.

What is signed is the plan's hash as 64 hexadecimal digits and a line feed. A typed name approves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from opsctl.adapters import signatures
from opsctl.core.clock import iso
from opsctl.core.errors import ApprovalMissing, ConfigurationError, UsageError
from opsctl.profiles.rollout import ApprovalNeed
from opsctl.runs.workplace import Workplace

if TYPE_CHECKING:
    from opsctl.ledger import Entry

NAMESPACE = "opsctl-plan"
REQUESTED = "plan.requested"
APPROVED = "plan.approved"


def ask(workplace: Workplace, customer: str, plan: str, what: str, problems: Sequence[str] = ()) -> None:
    """Record who asked for the plan (its hash) of `what`, such as `patch`; nobody approves an unknown plan."""
    workplace.ledger.append(customer, REQUESTED, {"plan": plan, "what": what, "problems": list(problems)},
                            actor=workplace.actor)


def approve(workplace: Workplace, customer: str, plan: str, key: Path, need: ApprovalNeed) -> dict[str, Any]:
    """Sign the plan with `key` and record it; returns signer and expiry.

    UsageError for a plan that nobody asked for, ApprovalMissing when the key is not allowed or belongs to one of
    those who asked although another person is needed.
    """
    askers = _askers(workplace.ledger.entries(customer, kinds=(REQUESTED,)), plan)
    if not askers:
        raise UsageError(f"{customer}: nobody asked for the plan {plan[:12]}",
                         "make it with --output: `opsctl patch plan`, `opsctl release plan` or `opsctl upgrade plan`")
    allowed = allowed_signers(workplace)
    signatures.require_readable(allowed)
    signature = signatures.sign(_statement(plan), key, NAMESPACE)
    names = _signers(workplace, plan, signature)
    _require_another(plan, names, askers, need)
    expires = workplace.clock.now() + timedelta(hours=workplace.settings.policy.approval_hours)
    workplace.ledger.append(customer, APPROVED, {"plan": plan, "signer": names[0], "signature": signature,
                                                 "expires": iso(expires)}, actor=workplace.actor)
    return {"plan": plan, "signer": names[0], "expires": iso(expires)}


def require_approved(workplace: Workplace, customer: str, plan: str, need: ApprovalNeed) -> str:
    """Who approved the plan by a signature that holds now, "" when none is needed; ApprovalMissing otherwise."""
    if need is ApprovalNeed.NONE:
        return ""
    entries = list(workplace.ledger.entries(customer, kinds=(REQUESTED, APPROVED)))
    askers = _askers(entries, plan)
    approvals = [entry for entry in entries if entry.kind == APPROVED and entry.payload["plan"] == plan]
    todo = ("write the plan with --output, have it approved with `opsctl approve PLAN --key FILE`"
            + (" by somebody who did not ask for it" if need is ApprovalNeed.ANOTHER_PERSON else "")
            + ", then run again")
    if not approvals:
        raise ApprovalMissing(f"{customer}: the plan {plan[:12]} is not approved", todo)
    newest = approvals[-1]
    if workplace.clock.now() >= datetime.fromisoformat(newest.payload["expires"]):
        raise ApprovalMissing(f"{customer}: the approval of plan {plan[:12]} expired at {newest.payload['expires']}",
                              todo)
    names = _signers(workplace, plan, newest.payload["signature"])
    _require_another(plan, names, askers, need)
    return names[0]


def same_person(names: Sequence[str], other: str) -> bool:
    """Whether the key's owner is `other`: by a name as it is, or by the part before its @."""
    owner = {part for name in names for part in (name.casefold(), name.casefold().partition("@")[0])}
    return other.casefold() in owner or other.casefold().partition("@")[0] in owner


def allowed_signers(workplace: Workplace) -> Path:
    """The file of keys that approve; ConfigurationError when none is set."""
    if workplace.settings.approvals is None:
        raise ConfigurationError("no allowed signers are set, so nothing can be approved or proven approved",
                                 "name the file in opsctl.yml under `approvals.allowed_signers`; see docs/patching.md")
    return workplace.settings.approvals.allowed_signers


def _askers(entries: Iterable[Entry], plan: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(entry.actor for entry in entries
                               if entry.kind == REQUESTED and entry.payload["plan"] == plan))


def _signers(workplace: Workplace, plan: str, signature: str) -> tuple[str, ...]:
    with TemporaryDirectory(prefix="opsctl-") as folder:
        return signatures.signers(_statement(plan), signature, allowed_signers(workplace), NAMESPACE, Path(folder))


def _require_another(plan: str, names: Sequence[str], askers: Sequence[str], need: ApprovalNeed) -> None:
    mine = [asker for asker in askers if same_person(names, asker)]
    if need is ApprovalNeed.ANOTHER_PERSON and (mine or not askers):
        raise ApprovalMissing(f"the plan {plan[:12]} was asked for by {', '.join(mine) or 'nobody known'}, who signed; "
                              "the profile wants another person", "let somebody else approve with their own key")


def _statement(plan: str) -> bytes:
    return f"{plan}\n".encode("ascii")
