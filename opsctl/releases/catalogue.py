"""All release files together: loaded with every error at once, and checked against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from opsctl.core.errors import ConfigurationError, OpsctlError
from opsctl.profiles.document import Document, Problem, read_document
from opsctl.profiles.validation import validate_document
from opsctl.releases.model import ADAPTER, Release, ReleaseStatus
from opsctl.releases.platform import PlatformAdvisory
from opsctl.releases.platform import load as load_platform
from opsctl.releases.version import Version


@dataclass(frozen=True)
class Catalogue:
    """The releases by version, and where each file lies; platform: the advisories beside them, oldest first."""

    releases: Mapping[Version, Release]
    files: Mapping[Version, Path]
    platform: tuple[PlatformAdvisory, ...] = ()

    def get(self, version: Version) -> Release | None:
        """The release, or None when it has no file."""
        return self.releases.get(version)

    def published(self, *, pre_releases: bool = False) -> tuple[Release, ...]:
        """The published releases, newest version first; pre-releases only when asked for."""
        return tuple(release for version, release in sorted(self.releases.items(), reverse=True)
                     if release.status is ReleaseStatus.PUBLISHED and (pre_releases or not version.pre))

    def newest(self, above: Version | None = None, *, major: int | None = None) -> Release | None:
        """The newest published final release above `above`, within `major` when given; None when there is none."""
        return next((release for release in self.published()
                     if (above is None or release.version > above)
                     and (major is None or release.version.major == major)), None)

    def lineage(self, version: Version) -> tuple[Release, ...]:
        """`version` and the releases it was developed from, newest first, as far as their files go.

        Not every lower version is among them: 5.3.9 may be younger than 5.4.0.
        """
        found: list[Release] = []
        release = self.releases.get(version)
        while release is not None:
            found.append(release)
            release = self.releases.get(release.previous)
        return tuple(found)


def load_or_error(folder: Path) -> Catalogue | OpsctlError:
    """The same, or why they cannot be read: that must not hide how all else stands."""
    try:
        return load(folder)
    except OpsctlError as error:
        return error


def load(folder: Path) -> Catalogue:
    """Load all `*.yml` of `folder`; ConfigurationError with the errors of all files as file:line:column."""
    if not folder.is_dir():
        raise ConfigurationError(f"the releases folder {folder} does not exist",
                                 "name it in opsctl.yml under `releases`, or run opsctl where it is")
    details: list[str] = []
    documents: dict[Version, tuple[Release, Document]] = {}
    for path in sorted(folder.glob("*.yml")):
        try:
            document = read_document(path, folder)
            release = validate_document(ADAPTER, document)
        except ConfigurationError as error:
            details.extend(error.details or (error.message,))
            continue
        documents[release.version] = (release, document)
        if path.stem != str(release.version):
            details.append(_line(document, "version", f"must be the file's name, {path.stem}"))
    details.extend(_joint_problems(documents))
    if details:
        count = "1 error" if len(details) == 1 else f"{len(details)} errors"
        raise ConfigurationError(f"the release files in {folder} have {count}", "correct the lines named",
                                 tuple(details))
    return Catalogue({version: release for version, (release, _) in documents.items()},
                     {version: Path(document.file) for version, (_, document) in documents.items()},
                     load_platform(folder / "platform"))


def _joint_problems(documents: Mapping[Version, tuple[Release, Document]]) -> Iterator[str]:
    oldest = min(documents, default=None)
    for version, (release, document) in sorted(documents.items()):
        if version != oldest and release.previous not in documents:
            yield _line(document, "previous", "has no release file; only the oldest release may name one without")
        replaced_by = release.withdrawn.replaced_by if release.withdrawn else None
        if replaced_by is not None and replaced_by not in documents:
            yield _line(document, "withdrawn", "replaced_by has no release file; add it, or leave it out until then")
        if release.upgrade.stop and release.version.pre:
            yield _line(document, "upgrade", "a pre-release cannot be a required stop; set stop to false")


def _line(document: Document, key: str, text: str) -> str:
    return Problem(document.position((key,)), (key,), text).line(document.file)
