"""Made-up facts of every kind, so that templates and words can be tried without any customer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from opsctl.notices.by_hand import InstallSource, MaintenanceSource, ModuleSource
from opsctl.notices.matters import (
    InstallFacts,
    LicenceFacts,
    MaintenanceFacts,
    ModuleFacts,
    PlatformFacts,
    RecallFacts,
    SupportFacts,
)
from opsctl.notices.model import Facts, NoticeKind, Period, ReleaseFacts, Withdrawn
from opsctl.notices.planning import release_facts
from opsctl.profiles.model import ADAPTER as PROFILE
from opsctl.profiles.model import Profile
from opsctl.profiles.parts import Language, Licence
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.changes import Text
from opsctl.releases.content import content, nothing
from opsctl.releases.model import ADAPTER, Release
from opsctl.releases.path import path
from opsctl.releases.platform import PlatformAdvisory
from opsctl.releases.version import Version

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
_START = NOW + timedelta(days=11, hours=10)
_CVSS = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N"


def every(languages: Sequence[Language]) -> tuple[Facts, ...]:
    """Facts of every kind, each text in all `languages`; of some kinds more than one, where they read differently."""
    words = _Words(languages)
    catalogue = Catalogue({release.version: release for release in _releases(words)}, {})
    return (*_release_notices(catalogue), *_by_hand(words, catalogue), *_lifecycle(words, catalogue))


class _Words:
    """A text in every language: the same example words."""

    def __init__(self, languages: Sequence[Language]) -> None:
        self._languages = languages

    def __call__(self, words: str) -> dict[str, str]:
        return dict.fromkeys(("en", *self._languages), f"Example: {words}.")

    def text(self, words: str) -> Text:
        """The same as a value."""
        return Text.model_validate(self(words))


def _releases(words: _Words) -> Iterator[Release]:
    for version, previous, kind, more in (
            ("1.9.0", "1.8.0", "minor", {"changes": [{"type": "fix", "error": "ERR-0001", "text": words("a fix")}]}),
            ("1.9.1", "1.9.0", "patch", {"changes": [{"type": "change", "text": words("a change")}]}),
            ("2.0.0", "1.9.1", "major", _major(words))):
        yield ADAPTER.validate_python({
            "schema_version": 1, "version": version, "kind": kind, "previous": previous, "status": "published",
            "sample": True, "published_at": NOW - timedelta(days=1), "summary": words(f"what {version} brings"),
            "support": {"until": date(2027, 3, 1), "branch": version[:3]}, "apt": {"package": "x1", "version": version},
            "requires": {"os": [{"name": "debian", "min": "12"}, {"name": "windows-server", "min": "2019"}],
                         "database": [{"engine": "postgresql", "min": "15"}], "free_space_mb": 1024,
                         "middleware": [{"name": "dotnet", "min": "8.0"}], "third_party_licences": ["Example maps"]},
            "modules": {"ready-core": {"title": words("core")}, "extra": {"title": words("extra"), "new": True}},
            "install": {"playbook": "ready_update", "restart": "service", "downtime_minutes": 20, "db_migration": True,
                        "reversible_until": "migration"},
            "rollback": {"supported": True, "method": "restore-backup", "minutes": 30},
            "upgrade": {"from": f">={previous} <{version}", "stop": version == "1.9.1"}, **more})


def _major(words: _Words) -> dict[str, Any]:
    return {
        "changes": [
            {"type": "security", "error": "ERR-0002", "cve": ["CVE-1900-00001"], "cvss": _CVSS, "exploited": True,
             "affected": ">=1.0.0 <2.0.0", "text": words("a vulnerability"), "workaround": words("a workaround")},
            {"type": "fix", "error": "ERR-0003", "text": words("a fix"), "workaround": words("a workaround")},
            {"type": "feature", "text": words("a feature")}, {"type": "change", "text": words("a change")}],
        "known_issues": [{"error": "ERR-0004", "text": words("an issue"), "workaround": words("a workaround")}],
        "action_required": {"customer_hosted": {"by": date(2026, 12, 4), "text": words("act")}},
        "artifacts": [{"os": "debian", "url": "https://downloads.example/x1_2.0.0.deb", "size": 83886080,
                       "sha256": "ab" * 32, "signature": "https://downloads.example/x1_2.0.0.deb.asc"}]}


def _profile(version: str | None) -> Profile:
    ready: dict[str, Any] = {"modules": ["ready-core"], **({"version": version} if version else {})}
    return PROFILE.validate_python({
        "schema_version": 1, "customer": "sample-check", "name": "Example Supply", "sample": True,
        "hosting": "customer", "hosting_from": "2020-01-01", "ready": ready, "domains": ["customer.example"],
        "contacts": [{"name": "IT Example", "email": "it@customer.example", "roles": ["notices"]}],
        "agreement": {"reference": "SMA-1", "valid_from": "2020-01-01", "valid_to": "2030-12-31"}})


def _base(kind: NoticeKind, release: Release | None = None, *, hosted: bool = False) -> dict[str, Any]:
    titles = {name: module.title for name, module in release.modules.items() if module.title} if release else {}
    return {"kind": kind, "customer": "sample-check", "customer_name": "Example Supply", "hosted": hosted,
            "modules": ("ready-core",), "module_titles": titles, "sample": True}


def _release_notices(catalogue: Catalogue) -> Iterator[Facts]:
    target = catalogue.releases[Version.parse("2.0.0")]
    minor = catalogue.releases[Version.parse("1.9.1")]
    old, reported = Version.parse("1.9.0"), frozenset({"ERR-0003"})
    major = release_facts(_profile("1.9.0"), catalogue, old, target, NOW, reported)
    yield major
    yield release_facts(_profile("1.9.0"), catalogue, old, minor, NOW)
    yield release_facts(_profile(None), catalogue, None, target, NOW)
    grave = {**vars(major), "kind": NoticeKind.SECURITY, "out_of_support": True,
             "withdrawn": Withdrawn(NOW, target.summary)}
    for restricted in ("", "agreement", "entitlement"):
        yield ReleaseFacts(**{**grave, "restricted": restricted})


def _by_hand(words: _Words, catalogue: Catalogue) -> Iterator[Facts]:
    target = catalogue.releases[Version.parse("2.0.0")]
    way = path(catalogue, Version.parse("1.9.1"), target)
    assert way is not None  # noqa: S101 - by the releases above
    times = {"start": _START, "end": _START + timedelta(hours=2)}
    brought = content(catalogue, way, ("ready-core",))
    for kind, more, told in ((NoticeKind.PLANNED, {}, brought), (NoticeKind.DONE, {}, brought),
                             (NoticeKind.DONE, {"run": "example"}, brought),
                             (NoticeKind.DONE, {"run": "example", "outcome": "taken-back"}, nothing(brought))):
        source = InstallSource(schema_version=1, release=target.version, result=words.text("a result"), **times, **more)
        yield InstallFacts(**_base(kind, target, hosted=True), way=way, source=source, content=told)
    for kind in NoticeKind:
        if kind.value.startswith("maintenance-"):
            work = MaintenanceSource(schema_version=1, id="example", impact="outage", systems=("READY",),
                                     summary=words.text("the work"), reason=words.text("the reason"),
                                     result=words.text("the result"), **times)
            yield MaintenanceFacts(**_base(kind, hosted=True), source=work,
                                   was=Period(_START - timedelta(days=1), _START))
    for terms in (None, words.text("the terms")):
        for hosted in (False, True):
            yield ModuleFacts(**_base(NoticeKind.MODULE_PROPOSAL, target, hosted=hosted), subject=target,
                              source=ModuleSource(schema_version=1, release=target.version, module="extra",
                                                  summary=words.text("it"), terms=terms, answer_by=date(2026, 12, 18)))


def _lifecycle(words: _Words, catalogue: Catalogue) -> Iterator[Facts]:
    old, target = (catalogue.releases[Version.parse(version)] for version in ("1.9.0", "2.0.0"))
    licence = Licence(product="Example maps", vendor="Example vendor", metric="meters", quantity=5000,
                      valid_to=date(2026, 12, 4), held_at="contract archive")
    for stage in (0, 30):
        for way in (None, path(catalogue, old.version, target)):
            yield SupportFacts(**_base(NoticeKind.END_OF_SUPPORT, target), installed=old, stage=stage, way=way)
        yield LicenceFacts(**_base(NoticeKind.LICENCE_EXPIRY), licence=licence, identity="example-maps",
                           until=date(2026, 12, 4), stage=stage)
    for patches in ([], [{"name": "OpenSSL", "min": "3.0.15", "cve": ["CVE-1900-00002"], "by": date(2026, 12, 18),
                          "text": words("a patch")}]):
        advisory = PlatformAdvisory.model_validate({
            "schema_version": 1, "id": "example", "issued_at": NOW, "ready": ">=1.0.0", "summary": words("a platform"),
            "os": [{"name": "debian", "version": "12", "until": date(2028, 6, 30)}], "patches": patches,
            "database": [{"name": "postgresql", "version": "15"}],
            "middleware": [{"name": "dotnet", "version": "8.0"}]})
        yield PlatformFacts(**_base(NoticeKind.PLATFORM), advisory=advisory, installed="1.9.0")
    data = target.model_dump(mode="json", by_alias=True)
    taken = {"status": "withdrawn", "withdrawn": {"at": NOW.isoformat(), "reason": words("a reason"),
                                                  "replaced_by": "2.0.1"}}
    for kind, changed in ((NoticeKind.WITHDRAWAL, taken), (NoticeKind.CORRECTION,
                                                           {"revision": 2, "correction": words("a correction")})):
        for installed, hosted in (("2.0.0", False), ("1.9.0", True), ("1.9.0", False)):
            yield RecallFacts(**_base(kind, hosted=hosted), subject=ADAPTER.validate_python({**data, **changed}),
                              told=1, told_at=NOW - timedelta(days=3), installed=installed)
