"""How a customer installs a release itself: before it starts, the path, download, and the way back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from opsctl.contract.services import PRODUCT
from opsctl.notices.model import Block, Command, Item, Link, Paragraph, Points, Reference, ReleaseFacts, Section
from opsctl.notices.telling import Telling
from opsctl.releases.model import Artifact, Release

NAMES: Mapping[str, str] = {
    "debian": "Debian", "ubuntu": "Ubuntu", "windows": "Windows", "windows-server": "Windows Server",
    "postgresql": "PostgreSQL", "mariadb": "MariaDB", "mssql": "Microsoft SQL Server", "dotnet": ".NET",
}


def sections(telling: Telling[ReleaseFacts]) -> tuple[Section, ...]:
    """Before you start, path, download, way back."""
    say = telling.wording.say
    return (Section(say("before.title"), (Points(tuple(_before(telling))), Paragraph(say("before.compare")))),
            Section(say("path.title"), (Points(tuple(_steps(telling)), numbered=True),)),
            Section(say("download.title"), tuple(_downloads(telling))),
            Section(say("rollback.title"), tuple(_rollback(telling))))


def _before(telling: Telling[ReleaseFacts]) -> Iterator[Item]:
    say, wording, needs = telling.wording.say, telling.wording, telling.facts.content.requires
    # P26: backup of a system that the customer hosts is its own; nobody else has one.
    yield Item(say("before.backup"), strong=True)
    yield Item(say("before.os", names=wording.any_of([_newer(telling, item.name, item.min) for item in needs.os])))
    yield Item(say("before.database",
                   names=wording.any_of([_newer(telling, item.engine, item.min) for item in needs.database])))
    if needs.middleware:
        names = wording.all_of([_newer(telling, item.name, item.min) for item in needs.middleware])
        yield Item(say("before.middleware", names=names))
    yield Item(say("before.space", space=say("megabytes", count=wording.number(needs.free_space_mb))))
    for name in needs.third_party_licences:
        yield Item(say("before.licence", name=name))


def _newer(telling: Telling[ReleaseFacts], name: str, version: str) -> str:
    return telling.wording.say("and_newer", name=NAMES.get(name, name), version=version)


def _steps(telling: Telling[ReleaseFacts]) -> Iterator[Item]:
    say, wording, way = telling.wording.say, telling.wording, telling.facts.way
    below = way.installed
    for hop in way.hops:
        lines = [say("path.takes", minutes=wording.count("minutes", hop.install.downtime_minutes),
                     restart=say(f"restart.{hop.install.restart}"))]
        if hop is not way.hops[0]:
            lines.insert(0, say("path.backup"))
        if hop.install.db_migration:
            lines.append(say("path.migrates"))
        inside = [f"{PRODUCT} {release.version}" for release in reversed(way.contained)
                  if (below is None or release.version > below) and release.version < hop.version]
        if inside:
            lines.append(say("path.contained", versions=wording.all_of(inside), version=hop.version))
        if way.installed is None and hop is not way.target:
            lines.append(say("path.if_older", version=hop.version))
        yield Item(say("path.last" if hop is way.target else "path.stop", version=hop.version), tuple(lines))
        below = hop.version


def _downloads(telling: Telling[ReleaseFacts]) -> Iterator[Block]:
    say, hops = telling.wording.say, telling.facts.way.hops
    first = next((hop for hop in hops if hop.apt is not None), None)
    for hop in hops:
        yield Paragraph(say("download.step", version=hop.version), strong=True)
        for artifact in hop.artifacts:
            yield from _file(telling, artifact)
        if hop.apt is not None:
            if hop is first:
                yield Paragraph(say("download.apt"))
            yield Command(("sudo apt-get update", f"sudo apt-get install {hop.apt.package}={hop.apt.version}"))
    packages = sorted({hop.apt.package for hop in hops if hop.apt is not None})
    if packages:
        yield Paragraph(say("download.apt_check"))
        yield Command(tuple(f"apt-cache policy {package}" for package in packages))


def _file(telling: Telling[ReleaseFacts], artifact: Artifact) -> Iterator[Block]:
    say, name = telling.wording.say, artifact.url.rpartition("/")[2]
    yield Reference(Link(say("download.file", name=name, os=NAMES.get(artifact.os, artifact.os)), artifact.url))
    yield Paragraph(say("download.size", size=telling.wording.number(artifact.size)))
    yield Paragraph(say("download.sha256", sha256=artifact.sha256))
    if artifact.signature:
        yield Reference(Link(say("download.signature", name=name), artifact.signature))
    yield Paragraph(say("download.check"))
    checks = [f"certutil -hashfile {name} SHA256"] if artifact.os.startswith("windows") else [
        f'echo "{artifact.sha256}  {name}" | sha256sum --check']
    if artifact.signature:
        checks.append(f"gpg --verify {artifact.signature.rpartition('/')[2]} {name}")
    yield Command(tuple(checks))


def _rollback(telling: Telling[ReleaseFacts]) -> Iterator[Block]:
    say, hops = telling.wording.say, telling.facts.way.hops
    yield Points(tuple(Item(_way_back(telling, hop)) for hop in hops))
    converting = [f"{PRODUCT} {hop.version}" for hop in hops if hop.install.reversible_until == "migration"]
    if converting:
        yield Paragraph(say("rollback.migration", versions=telling.wording.any_of(converting)), strong=True)


def _way_back(telling: Telling[ReleaseFacts], hop: Release) -> str:
    key = "unsupported" if not hop.rollback.supported else (
        "restore" if hop.rollback.method == "restore-backup" else "reinstall")
    # All three keys take the same values; the one without a way back does not use the time.
    minutes = telling.wording.count("minutes", hop.rollback.minutes)
    return telling.wording.say(f"rollback.{key}", version=hop.version, minutes=minutes)
