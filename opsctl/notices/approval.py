"""Approve a drafted notice by a signature over its hash, and prove an approval. A typed name approves nothing.

What is signed is the SHA-256 of notice.json as 64 hexadecimal digits and a line feed; notice.json holds the hash of
every other file, the recipients and the facts.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from opsctl.adapters import signatures
from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Service
from opsctl.core.errors import ApprovalMissing, OperationFailed, UsageError
from opsctl.core.outcome import Outcome, Status
from opsctl.notices import register
from opsctl.notices.model import Facts
from opsctl.notices.policy import asked
from opsctl.notices.register import Revision
from opsctl.notices.standing import require_domains, require_standing
from opsctl.profiles.model import Profile
from opsctl.profiles.settings import NoticePolicy
from opsctl.releases.catalogue import Catalogue
from opsctl.runs.approval import allowed_signers, same_person
from opsctl.runs.service import Run, perform
from opsctl.runs.workplace import Workplace

NAMESPACE = "opsctl-notice"
OPERATION = "notice approve"


def approve(workplace: Workplace, profile: Profile, notice: str, key: Path, *, releases: Catalogue,
            read: str = "") -> Outcome:
    """Sign the newest draft of `notice` with `key` and record it.

    read: the hash of the draft that the approver has read; only that one is signed. Empty for whatever is newest.
    Raises NotCovered and Locked as a draft does. A draft that no longer holds, a key that is not allowed, and the
    drafter's own key for a major or security notice come back as a failed outcome with exit code 6.
    """
    found = register.newest(known(workplace, profile.customer), notice)
    request = found.request if found else Request(Service.SOFTWARE_UPDATE_MINOR, Purpose.NEW_VALUE, Delivery.NOTICE)

    def act(run: Run) -> Outcome:
        if found is None:
            raise UsageError(f"{profile.customer}: no notice {notice} is drafted",
                             f"see `opsctl notice list {profile.customer}`")
        if read and read != found.sha256:
            raise ApprovalMissing(f"{profile.customer}: revision {found.number} of {notice} is not the draft that was "
                                  "read; nothing was signed",
                                  f"read it with `opsctl notice show {profile.customer} {notice}`, then approve it")
        return _approved(run, profile, found, key, releases)

    return perform(workplace, profile, request, OPERATION, act)


def known(workplace: Workplace, customer: str) -> tuple[Revision, ...]:
    """The customer's notices by the ledger."""
    return register.revisions(workplace.ledger.entries(customer, kinds=register.KINDS))


def _approved(run: Run, profile: Profile, draft: Revision, key: Path, releases: Catalogue) -> Outcome:
    require_domains(profile)
    standing = require_standing(run.workplace, profile, releases, draft)
    what = f"{draft.notice} revision {draft.number}"
    if draft.approval is not None:
        try:
            names = require_approved(run, draft, standing.facts)
        except ApprovalMissing:
            run.say("the approval on record does not hold any more; signing anew")
        else:
            return _outcome(run, draft, Status.UNCHANGED, f"{what}, already approved by {names[0]}", names[0])
    signers = _sign(run, draft, standing.facts, key, standing.folder)
    return _outcome(run, draft, Status.DONE, f"{what}, approved by {signers[0]}", signers[0])


def _sign(run: Run, draft: Revision, facts: Facts, key: Path, folder: Path) -> Sequence[str]:
    allowed = allowed_signers(run.workplace)
    signatures.require_readable(allowed)
    signature = signatures.sign(_statement(draft), key, NAMESPACE)
    names = signatures.signers(_statement(draft), signature, allowed, NAMESPACE, run.folder)
    _require_another(run, draft, facts, names)
    beside = folder.with_name(f"{draft.number}.sig")
    try:
        beside.write_text(signature, encoding="ascii")
        beside.chmod(0o600)
    except OSError as error:
        raise OperationFailed(f"the signature cannot be written to {beside}: {error.strerror}",
                              "give opsctl a folder it may write to under `drafts` in opsctl.yml") from None
    run.record(register.APPROVED, {"notice": draft.notice, "revision": draft.number, "sha256": draft.sha256,
                                   "signer": names[0], "signature": signature,
                                   "security": facts.security})
    return names


def require_approved(run: Run, draft: Revision, facts: Facts) -> tuple[str, ...]:
    """The names of who approved this draft, by a signature that holds now; ApprovalMissing otherwise."""
    if draft.approval is None:
        raise ApprovalMissing(f"{run.customer}: {draft.notice} revision {draft.number} is not approved",
                              f"read it with `opsctl notice show {run.customer} {draft.notice}`, then `opsctl notice "
                              f"approve {run.customer} {draft.notice} --key FILE`")
    names = signatures.signers(_statement(draft), draft.approval.signature, allowed_signers(run.workplace),
                               NAMESPACE, run.folder)
    _require_another(run, draft, facts, names)
    return names


def needs_another(facts: Facts, policy: NoticePolicy) -> bool:
    """Whether somebody else than the drafter has to approve; by default for major releases and security fixes."""
    return asked(facts.kind, facts.security, policy.second_person, "second_person")


def _require_another(run: Run, draft: Revision, facts: Facts, names: Sequence[str]) -> None:
    if needs_another(facts, run.workplace.settings.policy.notices) and same_person(names, draft.drafter):
        raise ApprovalMissing(f"{draft.notice} revision {draft.number} was drafted by {draft.drafter}, who signed; the "
                              "policy asks for another person for a notice of this kind",
                              "let somebody else approve with their own key")


def _statement(draft: Revision) -> bytes:
    return f"{draft.sha256}\n".encode("ascii")


def _outcome(run: Run, draft: Revision, status: Status, summary: str, signer: str) -> Outcome:
    return Outcome(run.customer, draft.service, status, summary, data={
        "notice": draft.notice, "revision": draft.number, "sha256": draft.sha256, "signer": signer})
