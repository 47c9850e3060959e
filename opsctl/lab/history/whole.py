"""Customers' whole stories, and the operator's: night after night, release after release, request after request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from opsctl.core.outcome import OPERATOR
from opsctl.lab.history.asking import Asking
from opsctl.lab.history.fleet import Customer, rng_of
from opsctl.lab.history.measuring import Measuring
from opsctl.lab.history.nights import Nights
from opsctl.lab.history.story import Story, after
from opsctl.lab.history.telling import tell
from opsctl.ledger.generated import Chain, Made
from opsctl.ledger.model import Entry, Subject
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.model import Release
from opsctl.releases.version import Version
from opsctl.support import fold, index
from opsctl.support.model import CalendarVersion

NIGHT = time(0, 20)
"""UTC: after midnight in Denmark in summer and winter."""
SET_BACK = timedelta(minutes=47)


@dataclass(frozen=True)
class World:
    """What all stories share. days: those of the history, without the nights on which nothing ran anywhere."""

    seed: int
    first: date
    last: date
    now: datetime
    releases: Sequence[Release]
    calendars: Sequence[CalendarVersion]

    @property
    def nights(self) -> Iterator[date]:
        """The nights on which the control machine was up: about one in 130 is missing, never one of the last ten."""
        day = self.first
        while day <= self.last:
            if rng_of(self.seed, "night", day).random() > 1 / 130 or (self.last - day).days < 10:
                yield day
            day += timedelta(days=1)


def world(seed: int, days: int, last: date, releases: Catalogue, calendars: Sequence[CalendarVersion],
          now: datetime) -> World:
    """The history of `days` days up to `last`; nothing of it lies after `now`."""
    published = [one for one in reversed(releases.published()) if one.published_at and one.published_at < now]
    return World(seed, last - timedelta(days=days - 1), last, now, published, calendars)


def told(customer: Customer, world: World) -> tuple[Chain, str]:
    """One customer's chain, and READY's version at its end."""
    story = Story(customer, world.seed)
    Asking(story, world.calendars, world.now).all(max(customer.begins, world.first), world.last)
    installed = _hosted(story, world) if customer.hosted else _told(story, world, customer.begins, world.now)
    chain = story.chain()
    entries = [made for made in chain.entries if made.at < world.now]
    return Chain(chain.name, _clock_jump(entries, story.rng("clock"), customer), chain.personal, _index), installed


def _index(entries: Iterable[Entry]) -> Iterator[Subject]:
    """The error log's index, as the log itself keeps it."""
    found, places = index.folded(entry for entry in entries if entry.kind in fold.KINDS)
    return (index.subject(request, places[id]) for id, request in found.items())


def _hosted(story: Story, world: World) -> str:
    customer = story.customer
    begins = max(customer.moved or customer.begins, world.first)
    if customer.moved:
        _told(story, world, customer.begins, datetime.combine(customer.moved, NIGHT, UTC))
    nights, measuring = Nights(story, world.last), Measuring(story, world.first)
    coming = _installations(story, world)
    for day in (one for one in world.nights if one >= begins):
        at = after(datetime.combine(day, NIGHT, UTC), 3 * customer.number)
        measuring.storage(at, day)
        if story.rng("probe", day).random() > 0.004 * customer.trouble:
            measuring.network(after(at, 5), day)
        at = nights.rehearse(nights.backup(after(at, 12), day), day)
        nights.patch(after(at, 60), day)
        while coming and coming[0][0] <= day:
            nights.install(after(at, 3600), coming.pop(0)[1])
    return nights.installed


def _installations(story: Story, world: World) -> list[tuple[date, Release]]:
    """Each release above the installed one on its day: canaries first, some held for long."""
    rng, coming = story.rng("installations"), []
    version = Version.parse(story.customer.version)
    for release in world.releases:
        if release.published_at is None:
            continue
        wait = (3 if story.customer.number % 20 == 0 else rng.randint(7, 35)) + (60 if rng.random() < 0.06 else 0)
        day = release.published_at.date() + timedelta(days=wait)
        if release.version > version and version in release.upgrade.from_versions and day <= world.last:
            coming.append((day, release))
            version = release.version
    return sorted(coming, key=lambda one: one[0])


def _told(story: Story, world: World, begins: date, until: datetime) -> str:
    """Notices to a customer that hosts READY itself; it installs now and then, which nobody records here."""
    installed, rng = story.customer.version, story.rng("installs")
    for release in world.releases:
        published = release.published_at
        if published is None or release.version <= Version.parse(installed) or published.date() < begins:
            continue
        if published.date() >= world.first and published < until:
            tell(story, release, published, installed, until)
        fits = Version.parse(installed) in release.upgrade.from_versions
        if rng.random() < 0.3 and until - published > timedelta(days=60) and fits:
            installed = str(release.version)
    return installed


def _clock_jump(entries: list[Made], rng: Random, customer: Customer) -> list[Made]:
    """At one customer in a hundred the clock was set back once: its entries stand in the order of writing."""
    if customer.number % 100 != 42 or len(entries) < 10:
        return entries
    place = rng.randrange(len(entries) // 2, len(entries) - 5)
    return [made if number < place or number > place + 3 else made._replace(at=made.at - SET_BACK)
            for number, made in enumerate(entries)]


def operator(customers: Sequence[Customer], world: World) -> Chain:
    """The nights themselves, as the chain `operator` has them."""
    entries: list[Made] = []
    for day in world.nights:
        at = datetime.combine(day, NIGHT, UTC)
        names = [one.name for one in customers if one.begins <= day]
        failed = [f"{one.name} backup" for one in customers if one.hosted and (world.last - day).days < one.failing]
        ended = after(at, 3 * len(customers) + 1200)
        entries.append(Made(at, "nightly.started", "", {"customers": names}))
        if ended < world.now:
            entries.append(Made(ended, "nightly.finished", "", {
                "status": "done", "exit_code": 7 if failed else 0, "outcomes": 5 * len(names), "failed": failed}))
    return Chain(OPERATOR, entries)
