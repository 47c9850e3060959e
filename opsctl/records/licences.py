"""What a third-party licence is worth on a day: its end, its notice date, what is bought and used (P14, P24).

Pure. Perpetual is not expired; what was not measured is a warning and never a pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from opsctl.profiles.licences import follower
from opsctl.profiles.parts import Licence

WARN_DAYS, SOON_DAYS, LAST_DAYS = 90, 30, 7
HOSTS, CORES, METERS = "hosts", "cores", "meters"
"""The metrics that can be counted: hosts on which one of the licence's packages is installed, the processor cores of
these hosts, and the meters in READY's databases."""


class Level(StrEnum):
    """How good a finding is."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Package:
    """One installed package. licences: names; empty when its documents name none."""

    name: str
    version: str
    architecture: str
    licences: tuple[str, ...]


Inventory = Mapping[str, Sequence[Package]]
"""Packages by host."""


@dataclass(frozen=True)
class Usage:
    """What was counted beside packages. cores: by host. meters: None when not every database told."""

    cores: Mapping[str, int] = field(default_factory=dict)
    meters: int | None = None


NOTHING = Usage()


@dataclass(frozen=True)
class Finding:
    """One thing about one licence."""

    product: str
    level: Level
    said: str


def measured(licence: Licence, inventory: Inventory | None, usage: Usage = NOTHING) -> int | None:
    """How much is used; None when it was not or cannot be measured."""
    if licence.metric == METERS:
        return usage.meters
    if inventory is None or not licence.packages or licence.metric not in {HOSTS, CORES}:
        return None
    wanted = set(licence.packages)
    hosts = [name for name, packages in inventory.items() if wanted & {package.name for package in packages}]
    if licence.metric == HOSTS:
        return len(hosts)
    return sum(usage.cores[name] for name in hosts) if usage.cores.keys() >= set(hosts) else None


def judge(licence: Licence, today: date, inventory: Inventory | None, usage: Usage = NOTHING,
          beside: Sequence[Licence] = ()) -> tuple[Finding, ...]:
    """Its term, its notice date and its quantity. beside: all licences, one of which may follow it, or go before."""
    after = follower(licence, beside)
    if after is not None:
        said = f"ends on {licence.valid_to}, and is followed by one from {after.valid_from}"
        if licence.valid_to is not None and licence.valid_to < today:
            return (Finding(licence.product, Level.OK, said),)
        return (Finding(licence.product, Level.OK, said),
                Finding(licence.product, *_quantity(licence, measured(licence, inventory, usage))))
    if licence.valid_from is not None and today < licence.valid_from and any(
            follower(one, [licence]) is licence for one in beside if one is not licence):
        return (Finding(licence.product, Level.OK, f"holds from {licence.valid_from}, without a gap after the one "
                        "before"),)
    found = [_term(licence, today), _quantity(licence, measured(licence, inventory, usage))]
    if licence.notice_by is not None and today <= licence.notice_by <= today + timedelta(days=WARN_DAYS):
        found.append((_level(licence.notice_by - today), f"last day to give notice is {licence.notice_by}, in "
                      f"{(licence.notice_by - today).days} days"))
    return tuple(Finding(licence.product, level, said) for level, said in found)


def blocking(licences: Sequence[Licence], planned: date) -> tuple[Finding, ...]:
    """The licences that end before a release is planned, so that it cannot be installed then."""
    return tuple(Finding(one.product, Level.CRITICAL, f"ends on {one.valid_to}: it blocks the release planned for "
                         f"{planned}") for one in licences
                 if one.valid_to is not None and one.valid_to < planned and one.renewal != "automatic"
                 and follower(one, licences) is None)


def unnamed(inventory: Inventory) -> tuple[str, ...]:
    """Packages whose documents name no licence, each once."""
    return tuple(sorted({package.name for packages in inventory.values() for package in packages
                         if not package.licences}))


def order_by(licence: Licence) -> date | None:
    """The last day on which a renewal can be ordered in time; None when nothing is to be ordered."""
    if licence.valid_to is None or licence.renewal != "manual":
        return None
    return licence.valid_to - timedelta(days=licence.lead_days)


def _term(licence: Licence, today: date) -> tuple[Level, str]:
    if licence.valid_from is not None and today < licence.valid_from:
        return Level.CRITICAL, f"does not hold before {licence.valid_from}"
    if licence.valid_to is None:
        return Level.OK, "perpetual"
    left = licence.valid_to - today
    if left < timedelta(0) and licence.renewal == "automatic":
        return Level.WARNING, f"renewed itself on {licence.valid_to}; the profile does not say until when"
    if left < timedelta(0):
        return Level.CRITICAL, f"ended on {licence.valid_to}"
    said = f"ends on {licence.valid_to}, in {left.days} days"
    if licence.renewal == "automatic":
        return Level.OK, f"{said}, and renews itself"
    level = _level(left)
    order = order_by(licence)
    if order is not None and today >= order:
        said += f"; a renewal takes {licence.lead_days} days, so it was to be ordered by {order}"
        level = Level.CRITICAL if level is Level.CRITICAL else Level.WARNING
    return level, said


def _quantity(licence: Licence, used: int | None) -> tuple[Level, str]:
    bought = f"{licence.quantity} {licence.metric} bought"
    if used is None:
        return Level.WARNING, f"{bought}, use not measured{_why(licence)}"
    if used > licence.quantity:
        return Level.CRITICAL, f"{bought}, {used} used: {used - licence.quantity} too many"
    return Level.OK, f"{bought}, {used} used"


def _why(licence: Licence) -> str:
    if licence.metric not in {HOSTS, CORES, METERS}:
        return f": hosted systems do not tell {licence.metric}"
    return "" if licence.metric == METERS or licence.packages else ": name its `packages` to have it counted"


def _level(left: timedelta) -> Level:
    if left.days > WARN_DAYS:
        return Level.OK
    return Level.CRITICAL if left.days <= LAST_DAYS else Level.WARNING
