"""The invented customers: who hosts, on what, how well it goes. From the seed alone: the same ones come again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

GENERATED_NAME = "generated"
MODULES = ("leak-alarm", "billing-export", "heat-analytics")
GIGA = 1_000_000_000


@dataclass(frozen=True)
class Disk:
    """A volume and its life. growth: bytes a day. enlarged: the day on which it got half as much again."""

    host: str
    mount: str
    kind: str
    total: int
    begin: int
    growth: int
    noise: int
    enlarged: date | None = None


@dataclass(frozen=True)
class Customer:
    """One invented customer. trouble: 0 for a calm one to 1; it scales how often things fail.

    begins: the first day of its contract. moved: the day from which Kamstrup hosts, before which it did itself.
    failing: for how many of the last nights its backup has failed. version: READY's at the beginning.
    """

    name: str
    number: int
    hosted: bool
    begins: date
    trouble: float
    failing: int
    hosts: tuple[str, ...]
    engine: str
    databases: tuple[str, ...]
    disks: tuple[Disk, ...]
    components: tuple[str, ...]
    version: str
    contacts: int
    moved: date | None = None
    overdue: bool = False

    @property
    def database_host(self) -> str:
        """Where its databases are."""
        return self.hosts[0]


def fleet(count: int, seed: int, first: date, last: date) -> tuple[Customer, ...]:
    """`count` customers for the days `first` to `last`."""
    width = max(4, len(str(count)))
    return tuple(_customer(number, f"{GENERATED_NAME}-{number:0{width}}", seed, first, last)
                 for number in range(1, count + 1))


def rng_of(seed: int, *about: object) -> Random:
    """A generator of its own for each thing, so that one more customer changes no other."""
    return Random("/".join(map(str, (seed, *about))))  # noqa: S311 - invented data


def _customer(number: int, name: str, seed: int, first: date, last: date) -> Customer:
    rng = rng_of(seed, name)
    hosted = rng.random() < 0.72
    trouble = rng.choices((0.02, 0.15, 0.6, 1.0), (70, 22, 6, 2))[0]
    span = (last - first).days
    begins = first - timedelta(days=rng.randrange(30, 1500)) if rng.random() < 0.8 or span < 60 else \
        first + timedelta(days=rng.randrange(10, span - 30))
    hosts = tuple(f"{name}-{word}" for word in (("db", "app") if rng.random() < 0.4 else ("1",)))
    databases = ("ready", "archive") if rng.random() < 0.15 else ("ready",)
    moved = first + timedelta(days=rng.randrange(20, span - 20)) \
        if hosted and begins < first and span > 90 and rng.random() < 0.02 else None
    failing = rng.choice((1, 2, 4, 9)) if hosted and rng.random() < trouble * 0.12 else 0
    engine = "mariadb" if rng.random() < 0.2 else "postgresql"
    return Customer(
        name, number, hosted, begins, trouble, failing, hosts, engine, databases,
        tuple(_disks(rng, hosts, span, first)), _components(rng), rng.choice(("5.3.0", "5.3.0", "5.4.0")),
        rng.choice((1, 1, 2, 3)), moved, overdue=hosted and rng.random() < trouble * 0.1)


def _disks(rng: Random, hosts: tuple[str, ...], span: int, first: date) -> list[Disk]:
    made: list[Disk] = []
    for host in hosts:
        made.append(_disk(rng, host, "/", rng.choice((40, 60, 80)) * GIGA, span, first))
        if host == hosts[0]:
            made.append(_disk(rng, host, "/var/lib/data", rng.choice((200, 400, 800)) * GIGA, span, first))
    return made


def _disk(rng: Random, host: str, mount: str, total: int, span: int, first: date) -> Disk:
    begin = int(total * rng.uniform(0.15, 0.5))
    ends_at = rng.choices((rng.uniform(0.5, 0.7), rng.uniform(0.7, 0.84), rng.uniform(0.84, 0.97)), (82, 15, 3))[0]
    enlarged = first + timedelta(days=int(span * rng.uniform(0.3, 0.9))) if rng.random() < 0.05 else None
    growth = int((total * ends_at - begin) / max(span, 1))
    return Disk(host, mount, "ext4", total, begin, growth, int(total * rng.choice((0.0003, 0.001, 0.004))), enlarged)


def _components(rng: Random) -> tuple[str, ...]:
    return ("api", "ssh", "gateway", "firewall")[:rng.choice((0, 1, 2, 2, 3, 4))]
