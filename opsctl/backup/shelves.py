"""A customer's stores, each with its own retention: the first, and the second where the profile names one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from opsctl.adapters.objects import ObjectStore, open_store
from opsctl.core.errors import ConfigurationError, ExitCode, Locked, OpsctlError
from opsctl.core.outcome import Outcome, Status
from opsctl.profiles.hosted import S3Store, Store
from opsctl.profiles.model import KamstrupProfile

FIRST, SECOND = "first", "second"
_CERTIFICATE = re.compile(r"-----BEGIN ([A-Z0-9 ]*CERTIFICATE)-----[\x00-\x7f]+?-----END \1-----")


@dataclass(frozen=True)
class Shelf:
    """One store, how long backups stay in it, and the kinds of evidence of what is done there.

    rule: what wants them kept so long, as a verdict's reason names it. removing: recorded before a manifest goes,
    so that what a removal leaves that was cut short is told from what lost its manifest by other hands.
    """

    name: str
    store: Store
    keep_days: int
    minimum_good: int
    stored: str
    removing: str
    removed: str
    verified: str
    damaged: str
    rule: str

    @property
    def words(self) -> str:
        """How people call it."""
        return "the second store" if self.name == SECOND else "the store"


def first_shelf(profile: KamstrupProfile) -> Shelf:
    """Where backups are taken to: it keeps P16 and P17."""
    policy = profile.backup
    return Shelf(FIRST, policy.store, policy.keep_days, policy.minimum_good, "backup.completed", "backup.removing",
                 "backup.removed", "backup.verified", "backup.damaged", "P17")


def second_shelf(profile: KamstrupProfile) -> Shelf | None:
    """Where each backup is copied to; None when the profile names no second store."""
    policy = profile.backup.second_store
    if policy is None:
        return None
    return Shelf(SECOND, policy.store, policy.keep_days, policy.minimum_good, "backup.copied", "backup.copy-removing",
                 "backup.copy-removed", "backup.copy-verified", "backup.copy-damaged", "the second store")


def shelves(profile: KamstrupProfile) -> tuple[Shelf, ...]:
    """The first, then the second where there is one."""
    second = second_shelf(profile)
    return (first_shelf(profile), *((second,) if second else ()))


def shelf_of(profile: KamstrupProfile, *, second: bool) -> Shelf:
    """The one that was asked for; ConfigurationError (exit 3) when there is no second store."""
    found = second_shelf(profile) if second else first_shelf(profile)
    if found is None:
        raise ConfigurationError(f"{profile.customer} has no second store", "name one: `backup.second_store`")
    return found


def on_each(profile: KamstrupProfile, act: Callable[[Shelf], None]) -> OpsctlError | None:
    """Do `act` on every shelf; one that fails keeps the other from nothing.

    Returns the failure of one of two shelves. Raises when the only one, or both, fail, and what must not be
    taken for a failure of one: a lease held by others, settings that are wrong.
    """
    failures: list[OpsctlError] = []
    every = shelves(profile)
    for shelf in every:
        try:
            act(shelf)
        except Locked:
            raise
        except OpsctlError as error:
            failures.append(error)
    if len(failures) == len(every) or any(error.exit_code is ExitCode.EVIDENCE_DAMAGED for error in failures):
        raise failures[0]
    return failures[0] if failures else None


def store_of(shelf: Shelf, first: ObjectStore | None = None) -> ObjectStore:
    """The shelf's store. first: one that is open already, in place of the first shelf's."""
    return first if first is not None and shelf.name == FIRST else open_store(shelf.store)


def with_failure(outcome: Outcome, failure: OpsctlError | None) -> Outcome:
    """What was done on one shelf, and that the other failed: PARTIAL, exit 7."""
    if failure is None:
        return outcome
    summary = "; ".join(part for part in (outcome.summary, failure.message) if part)
    return replace(outcome, status=Status.PARTIAL, summary=summary, resolution=failure.resolution)


def authority(store: Store) -> str:
    """PEM text of a private store's CA, its certificates alone; "" where the host's own authorities will do.

    A host's Python takes ASCII only, so comments in the file stay here. ConfigurationError when it cannot be read or
    has no certificate.
    """
    if not isinstance(store, S3Store) or store.ca_file is None:
        return ""
    try:
        text = Path(store.ca_file).read_text(encoding="utf-8")
    except OSError:
        raise ConfigurationError(f"the store's CA file {store.ca_file} cannot be read",
                                 "correct its `ca_file`") from None
    except UnicodeDecodeError:
        text = ""
    found = [block[0] for block in _CERTIFICATE.finditer(text)]
    if not found:
        raise ConfigurationError(f"the store's CA file {store.ca_file} holds no certificate as PEM in UTF-8",
                                 "correct its `ca_file`, or convert the file: openssl x509 -inform der")
    return "\n".join(found) + "\n"
