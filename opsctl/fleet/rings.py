"""Rings in which customers get changes: their order, and what the rings before have to have shown in a nightly run.

A rollout counts what happened in itself (`fleet/rollout.py`); a night goes by the ledger, over all nights.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from opsctl.core.errors import ConfigurationError
from opsctl.fleet.starting import open_failure
from opsctl.profiles.model import KamstrupProfile, Profile
from opsctl.runs.workplace import Workplace

PATCHES = frozenset({"patch apply"})
RELEASES = frozenset({"release install", "release rollback"})
"""The work of a change; a failure of it in an earlier ring keeps it from the later ones."""

Fact = TypeVar("Fact")


def in_rings(profiles: Iterable[Profile], rings: Sequence[str]) -> tuple[Profile, ...]:
    """The profiles by ring in the policy's order, within a ring as given; rings that the policy does not order and
    customers that host themselves last."""
    return tuple(sorted(profiles, key=lambda profile: _place(profile, rings)))


def require_ordered(profile: Profile, rings: Sequence[str]) -> None:
    """ConfigurationError for a ring that the policy does not order."""
    if isinstance(profile, KamstrupProfile) and profile.ring not in rings:
        raise ConfigurationError(f"{profile.customer}: its ring {profile.ring} is not ordered by the policy",
                                 f"add it to `policy.rings` in opsctl.yml, which has {', '.join(rings)}")


def ring_of(profile: Profile) -> str:
    """The customer's ring; "" for one that hosts itself."""
    return profile.ring if isinstance(profile, KamstrupProfile) else ""


def place_of(ring: str, rings: Sequence[str]) -> int:
    """The ring's place in the policy's order; last for one that it does not order."""
    return rings.index(ring) if ring in rings else len(rings)


class Rings:
    """The customers of one night. They come ring by ring, so what an earlier ring has shown is read once."""

    def __init__(self, workplace: Workplace, profiles: Sequence[Profile], broken: Collection[str] = ()) -> None:
        """broken: customers whose profile cannot be read, and so their ring neither."""
        self._workplace, self._names = workplace, workplace.settings.policy.rings
        self._broken = tuple(broken)
        self.ordered = in_rings(profiles, self._names)
        self._facts: dict[tuple[str, str], Any] = {}

    def fact(self, name: str, profile: KamstrupProfile, read: Callable[[KamstrupProfile], Fact]) -> Fact:
        """What `read` says of a customer of an earlier ring, asked once. name: of the question."""
        return self._once(name, profile.customer, lambda: read(profile))

    def _once(self, name: str, customer: str, read: Callable[[], Fact]) -> Fact:
        key = name, customer
        if key not in self._facts:
            self._facts[key] = read()
        found: Fact = self._facts[key]
        return found

    def unproven(self, profile: KamstrupProfile, work: Collection[str], could: Callable[[KamstrupProfile], bool],
                 has: Callable[[KamstrupProfile], bool]) -> str:
        """Why a change waits for the rings before the customer's; "" when it does not.

        work: its operations. could: whether the contract gives the change to a customer at all; has: whether it had it.
        A ring in which nobody could have it keeps nobody waiting. ConfigurationError for a ring without its place.
        """
        require_ordered(profile, self._names)
        mine = _place(profile, self._names)
        earlier = [one for one in self.ordered if isinstance(one, KamstrupProfile) and _place(one, self._names) < mine]
        failed = [one.customer for one in earlier if self._failed(one.customer) in work]
        # Of one whose profile cannot be read the ring is not known: it may be an earlier one.
        failed += [name for name in self._broken if mine and self._failed(name) in work]
        if failed:
            return f"waits: {', '.join(failed)} failed in an earlier ring, and the cause is not marked resolved"
        empty = [name for name in self._names[:mine] if name not in {one.ring for one in earlier}]
        if empty and self._broken:
            return f"waits: nobody is in the ring {empty[0]}, and the profile of {', '.join(self._broken)} is not valid"
        for ring, members in _by_ring(earlier):
            able = [one for one in members if could(one)]
            if able and not any(has(one) for one in able):
                return f"waits: no customer of the ring {ring} has it yet ({', '.join(one.customer for one in able)})"
        return ""

    def _failed(self, customer: str) -> str:
        """The operation whose failure is not resolved; "" without one."""
        failure = self._once("failure", customer, lambda: open_failure(self._workplace, customer))
        return str(failure[1]["operation"]) if failure is not None else ""


def _by_ring(profiles: Sequence[KamstrupProfile]) -> Iterator[tuple[str, tuple[KamstrupProfile, ...]]]:
    for ring in dict.fromkeys(one.ring for one in profiles):
        yield ring, tuple(one for one in profiles if one.ring == ring)


def _place(profile: Profile, rings: Sequence[str]) -> int:
    return place_of(ring_of(profile), rings)
