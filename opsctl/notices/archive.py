"""Drafts read back from the shelf, proven by the hash that the ledger recorded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opsctl.core.errors import ApprovalMissing, ConfigurationError, UsageError
from opsctl.notices import shelf
from opsctl.notices.approval import known
from opsctl.notices.difference import Difference, Issued, difference
from opsctl.notices.drafting import SUMMARY
from opsctl.notices.register import Revision
from opsctl.runs.workplace import Workplace


@dataclass(frozen=True)
class Shelved:
    """A draft's files, each of them as the ledger's hash says. summary: notice.json, parsed."""

    draft: Revision
    folder: Path
    summary: Mapping[str, Any]
    files: Mapping[str, bytes]

    @property
    def issued(self) -> Issued:
        """The part that two revisions are compared by."""
        texts = {name: content.decode() for name, content in self.files.items() if name.endswith(".txt")}
        return Issued(self.summary, texts)


def read(workplace: Workplace, customer: str, draft: Revision) -> Shelved:
    """The files of a draft; ConfigurationError when they cannot be read, ApprovalMissing when they were altered."""
    folder = shelf.place(workplace.drafts, customer, draft.notice, draft.number)
    again = f"run `opsctl notice draft {customer}`, which writes what is missing or drafts anew"
    try:
        summary = (folder / SUMMARY).read_bytes()
        if hashlib.sha256(summary).hexdigest() != draft.sha256:
            raise ApprovalMissing(f"{customer}: {folder / SUMMARY} is not what was drafted", again)
        said = json.loads(summary)
        files = {name: (folder / name).read_bytes() for name in said["sha256"]}
    except OSError as error:
        raise ConfigurationError(f"{customer}: the draft in {folder} cannot be read: {error.strerror}",
                                 f"run as the user who drafts, or {again}") from None
    altered = [name for name, content in files.items() if hashlib.sha256(content).hexdigest() != said["sha256"][name]]
    if altered:
        raise ApprovalMissing(f"{customer}: {folder / altered[0]} has been altered since it was drafted", again)
    return Shelved(draft, folder, said, {SUMMARY: summary, **files})


def revision(drafts: Sequence[Revision], customer: str, notice: str, number: int | None) -> Revision:
    """The revision `number` of a notice, the newest by default; UsageError when there is none."""
    fitting = [draft for draft in drafts if draft.notice == notice]
    if not fitting:
        raise UsageError(f"{customer}: no notice {notice} is drafted", f"see `opsctl notice list {customer}`")
    if number is None:
        return fitting[-1]
    found = [draft for draft in fitting if draft.number == number]
    if not found:
        raise UsageError(f"{customer}: {notice} has no revision {number}",
                         f"name one of {', '.join(str(draft.number) for draft in fitting)}")
    return found[-1]


def previous(drafts: Sequence[Revision], draft: Revision) -> Revision | None:
    """The revision before `draft` of the same notice; None for the first."""
    earlier = [one for one in drafts if one.notice == draft.notice and one.number < draft.number]
    return earlier[-1] if earlier else None


def changes(workplace: Workplace, customer: str, notice: str, number: int | None = None, since: int | None = None
            ) -> tuple[Revision, Revision | None, Difference | None]:
    """A revision, the one it is compared with, and what differs; None twice when it is the first.

    number: the revision, by default the newest. since: the other one, by default the one before.
    """
    drafts = known(workplace, customer)
    draft = revision(drafts, customer, notice, number)
    earlier = previous(drafts, draft) if since is None else revision(drafts, customer, notice, since)
    if earlier is None:
        return draft, None, None
    before, now = (read(workplace, customer, one).issued for one in (earlier, draft))
    return draft, earlier, difference(before, now)
