"""What every plan is bound to: the contract's terms and the inventory as they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol

from opsctl.core.digest import digest

if TYPE_CHECKING:
    from opsctl.profiles.model import Profile

# Profiles bring pydantic; `opsctl status` compares nothing and reads the names of targets alone.


def terms_digest(profile: Profile, at: datetime) -> str:
    """sha256 of the contract's terms as they stand at `at`."""
    from opsctl.profiles.model import terms_at

    return digest(_plain(asdict(terms_at(profile, at))))


def inventory_digest(profile: Profile) -> str:
    """sha256 of the text of hosts.yml."""
    from opsctl.profiles.inventory import hosts_yaml

    return sha256(hosts_yaml(profile).encode()).hexdigest()


class Bound(Protocol):
    """A plan: whose it is, and the digests of what it is bound to."""

    @property
    def customer(self) -> str: ...

    @property
    def terms(self) -> str: ...

    @property
    def inventory(self) -> str: ...

    @property
    def revision(self) -> str: ...


def basis_differences(approved: Bound, fresh: Bound) -> list[str]:
    """Of what plans are bound to that which changed from the approved one to the fresh one, one line each."""
    return [f"{what} changed" for what, left, right in (
        ("the customer", approved.customer, fresh.customer), ("the contract's terms", approved.terms, fresh.terms),
        ("the inventory", approved.inventory, fresh.inventory),
        ("the playbook or its roles", approved.revision, fresh.revision)) if left != right]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(content) for key, content in value.items()}
    return value.isoformat() if isinstance(value, date) else value
