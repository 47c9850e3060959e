"""The texts of release files and hand-written facts that a notice shows, so that missing translations can be named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from opsctl.notices import by_hand
from opsctl.notices.matters import (
    InstallFacts,
    MaintenanceFacts,
    ModuleFacts,
    PlatformFacts,
    RecallFacts,
    SupportFacts,
)
from opsctl.notices.model import Facts, ReleaseFacts
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.changes import Text
from opsctl.releases.content import Content
from opsctl.releases.path import UpgradePath
from opsctl.releases.version import Version

Place = Version | str
"""The release whose file has the text, or another file by its name."""
FACTS_FILE = "the file of facts"


def required(facts: Facts) -> Iterator[tuple[Place, str, Text]]:
    """Each text that the notice shows: its release or file, the key there, the text."""
    if isinstance(facts, ReleaseFacts):
        yield from _release(facts)
    elif isinstance(facts, InstallFacts):
        yield facts.way.target.version, "summary", facts.way.target.summary
        yield from _content(facts.way, facts.content)
        yield from _by_hand(facts.source)
    elif isinstance(facts, MaintenanceFacts | ModuleFacts):
        yield from _by_hand(facts.source)
    elif isinstance(facts, PlatformFacts):
        yield from _platform(facts)
    elif isinstance(facts, RecallFacts):
        subject = facts.subject
        if subject.withdrawn is not None:
            yield subject.version, "withdrawn.reason", subject.withdrawn.reason
        if subject.correction is not None:
            yield subject.version, "correction", subject.correction
    elif isinstance(facts, SupportFacts) and facts.way is not None:
        yield facts.way.target.version, "summary", facts.way.target.summary
    release = facts.release or FACTS_FILE
    for name, title in facts.module_titles.items():
        yield Version.parse(release) if facts.release else release, f"modules.{name}.title", title


def missing(facts: Facts, languages: Iterable[str], catalogue: Catalogue) -> Iterator[str]:
    """`file key: what` for each text that one of `languages` lacks."""
    wanted = sorted(set(languages))
    for place, key, text in required(facts):
        for language in wanted:
            if text.get(language) is None:
                file = catalogue.files.get(place, place) if isinstance(place, Version) else place
                yield f"{file} {key}.{language}: is missing; translate it from en"


def _release(facts: ReleaseFacts) -> Iterator[tuple[Place, str, Text]]:
    target = facts.way.target
    if not facts.restricted:
        yield target.version, "summary", target.summary
    yield from _content(facts.way, facts.content)
    if facts.action is not None and not facts.restricted:
        yield target.version, "action_required.customer_hosted.text", facts.action.text
    if facts.withdrawn is not None and facts.way.installed is not None:
        yield facts.way.installed, "withdrawn.reason", facts.withdrawn.reason


def _content(way: UpgradePath, brought: Content) -> Iterator[tuple[Place, str, Text]]:
    releases = {release.version: release for release in (*way.hops, *way.contained)}
    for released in brought.changes:
        index = releases[released.version].changes.index(released.change)
        yield released.version, f"changes[{index}].text", released.change.text
        workaround = getattr(released.change, "workaround", None)
        if workaround is not None:
            yield released.version, f"changes[{index}].workaround", workaround
    for issue in brought.known_issues:
        index = way.target.known_issues.index(issue)
        yield way.target.version, f"known_issues[{index}].text", issue.text
        if issue.workaround is not None:
            yield way.target.version, f"known_issues[{index}].workaround", issue.workaround
    for released in brought.lost:
        yield released.version, "changes.text", released.change.text


def _platform(facts: PlatformFacts) -> Iterator[tuple[Place, str, Text]]:
    file = f"platform/{facts.advisory.id}.yml"
    yield file, "summary", facts.advisory.summary
    for index, patch in enumerate(facts.advisory.patches):
        yield file, f"patches[{index}].text", patch.text


def _by_hand(source: by_hand.Source) -> Iterator[tuple[Place, str, Text]]:
    for key, text in by_hand.texts(source):
        yield FACTS_FILE, key, text
