"""What a published release makes due: a notice to who hosts the system, an installation where Kamstrup does."""

from datetime import UTC, datetime, timedelta
from typing import Any

from opsctl.promises.model import Item, Word
from opsctl.promises.month import Month
from opsctl.releases.catalogue import load
from tests.unit.promises.register_values import ROOT, evidence, kept, view

CATALOGUE = load(ROOT / "releases")
MAJOR = next(release for release in CATALOGUE.published() if str(release.version) == "6.0.0")
PUBLISHED = MAJOR.published_at or datetime.max.replace(tzinfo=UTC)
MONTH = Month(PUBLISHED.year, PUBLISHED.month)
LONG_AFTER = PUBLISHED + timedelta(days=40)


def told(*entries: Any, now: datetime = LONG_AFTER, name: str = "dalmose", releases: Any = CATALOGUE) -> Item:
    found = kept(view(evidence(*entries), MONTH, now, name, releases=releases))
    return found["P23" if name == "dalmose" else "P12"].items[0]


def notice(release: str) -> list[Any]:
    named = {"notice": "n1", "revision": 1}
    return [("notice.drafted", PUBLISHED + timedelta(hours=1), {**named, "release": release}),
            ("notice.accepted", PUBLISHED + timedelta(hours=9), {**named, "contact": "x"})]


def test_a_notice_the_relay_accepted_keeps_the_promise_also_a_cumulative_one() -> None:
    assert told(*notice("6.0.0")).word is Word.KEPT
    assert told(*notice("6.0.1")).word is Word.KEPT
    assert told(*notice("5.5.0")).word is Word.BROKEN


def test_a_draft_is_no_notice() -> None:
    assert told(notice("6.0.0")[0]).word is Word.BROKEN


def test_a_notice_is_not_late_at_once() -> None:
    assert told(now=PUBLISHED + timedelta(hours=2)).word is Word.NOT_DUE


def test_what_was_published_before_the_records_began_is_unknown() -> None:
    found = view(evidence(since=LONG_AFTER.date() - timedelta(days=3)), MONTH, LONG_AFTER, "dalmose",
                 releases=CATALOGUE)
    assert kept(found)["P23"].word is Word.UNKNOWN


def test_hosted_systems_owe_an_installation_and_no_notice() -> None:
    assert told(name="aalund").word is Word.NOT_DUE
    done = ("release.installed", PUBLISHED + timedelta(days=2), {"to": "6.0.0"})
    assert told(done, name="aalund").word is Word.KEPT
    assert "P23" not in kept(view(evidence(), MONTH, LONG_AFTER, "aalund", releases=CATALOGUE))


def test_releases_that_cannot_be_read_are_unknown() -> None:
    assert kept(view(evidence(), MONTH, LONG_AFTER))["P04"].word is Word.UNKNOWN
