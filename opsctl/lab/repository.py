"""The lab's apt repository: signed suites per Debian release, with updates that wait to be installed.

Suites: `CODENAME-lab` (ordinary), `CODENAME-lab-security` (label Lab-Security) and `ready` (all READY releases).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from opsctl.core.errors import UsageError
from opsctl.lab import packages, paths
from opsctl.lab.command import run
from opsctl.lab.definition import SUITES

READY_SUITE = "ready"
_KEY_OWNER = "opsctl lab repository <lab@example.invalid>"



def keyring() -> Path:
    """The public key that hosts check the suites with."""
    return paths.REPOSITORY / "opsctl-lab.gpg"


def suites() -> tuple[str, ...]:
    """All suites of the repository."""
    third_party = tuple(f"{codename}-lab{kind}" for codename in SUITES for kind in ("", "-security"))
    return (*third_party, READY_SUITE)


def sources_for(codename: str, site: str, ready: bool) -> str:
    """The deb822 sources of a host of release `codename`; the READY suite only where READY runs."""
    names = [f"{codename}-lab", f"{codename}-lab-security", *([READY_SUITE] if ready else [])]
    return (f"Types: deb\nURIs: {site}\nSuites: {' '.join(names)}\nComponents: main\n"
            "Signed-By: /usr/share/keyrings/opsctl-lab.gpg\n")


def ensure_repository() -> None:
    """Build all packages and suites unless the repository that is there was made from the same recipe."""
    with _locked():
        _ensure()


def offer(name: str, version: str, *, security: bool = False) -> None:
    """Put a further version of a third-party package into the suites of every release.

    Raises UsageError for a name that is not one of the lab's packages.
    """
    try:
        package = packages.third_party(name, version)
    except KeyError:
        raise UsageError(f"The lab has no package called {name}.",
                         f"Name one of {', '.join(packages.INSTALLED_VERSIONS)}.") from None
    with _locked():
        _ensure()
        for codename in SUITES:
            suite = _suite_of(codename, name, version, security)
            packages.build(package, _pool() / suite)
            _publish(suite)


def withdraw(name: str, version: str) -> None:
    """Take one version of a package out of every suite; nothing happens when it is not there."""
    with _locked():
        _ensure()
        for suite in suites():
            found = list((_pool() / suite).glob(f"{name}_{version}_all.deb"))
            for file in found:
                file.unlink()
            if found:
                _publish(suite)


def publish_suite(suite: str, files: Iterable[Path]) -> None:
    """Offer a further signed suite with exactly these package files; nothing is done when it is there already."""
    with _locked():
        _ensure()
        if (paths.REPOSITORY / "dists" / suite / "InRelease").exists():
            return
        pool = _pool() / suite
        shutil.rmtree(pool, ignore_errors=True)
        pool.mkdir()
        for file in files:
            shutil.copy(file, pool / file.name)
        _publish(suite)


def restore() -> None:
    """Make the repository what it is in a new lab: undoes every offer and withdrawal."""
    _complete().unlink(missing_ok=True)
    ensure_repository()


def _ensure() -> None:
    recipe = _recipe()
    if _complete().exists() and _complete().read_text(encoding="utf-8") == recipe:
        return
    _complete().unlink(missing_ok=True)
    _ensure_key()
    for folder in (_pool(), paths.REPOSITORY / "dists"):
        shutil.rmtree(folder, ignore_errors=True)
    _fill()
    for suite in suites():
        _publish(suite)
    _complete().write_text(recipe, encoding="utf-8")


def _pool() -> Path:
    return paths.REPOSITORY / "pool"


def _complete() -> Path:
    """Holds the hash of the recipe once everything is built; starts with a dot, so it is not served."""
    return paths.REPOSITORY / ".complete"


def _suite_of(codename: str, name: str, version: str, security: bool) -> str:
    kind = "-security" if security or (name, version) in packages.SECURITY_UPDATES else ""
    return f"{codename}-lab{kind}"


def _fill() -> None:
    for suite in suites():
        (_pool() / suite).mkdir(parents=True)
    for name, version in (*packages.INSTALLED_VERSIONS.items(), *packages.WAITING_UPDATES.items()):
        built = packages.build(packages.third_party(name, version), _pool())
        for codename in SUITES:
            shutil.copy(built, _pool() / _suite_of(codename, name, version, security=False) / built.name)
        built.unlink()
    for release in packages.READY_RELEASES:
        packages.build(packages.ready(release), _pool() / READY_SUITE)


def _publish(suite: str) -> None:
    """Write and sign a suite's index, in the order that lets a reading apt see either the old or the new one."""
    dists = paths.REPOSITORY / "dists" / suite
    index = dists / "main" / f"binary-{_architecture()}"
    index.mkdir(parents=True, exist_ok=True)
    served = (index / "Packages", dists / "InRelease")
    stamps = [file.stat().st_mtime if file.exists() else 0.0 for file in served]
    _replace(index / "Packages", run(["apt-ftparchive", "packages", f"pool/{suite}"], folder=paths.REPOSITORY,
                                       timeout=600))
    _replace(dists / "Release", _release_text(suite))
    unsigned = dists / "Release"
    signed = dists / ".InRelease"
    signed.unlink(missing_ok=True)
    _gpg("--local-user", _KEY_OWNER, "--clearsign", "--output", str(signed), str(unsigned))
    signed.replace(dists / "InRelease")
    for file, stamp in zip(served, stamps, strict=True):
        _date_after(file, stamp)


def _date_after(file: Path, stamp: float) -> None:
    """Let the file be of a later second than its predecessor: apt asks for what is newer, by whole seconds."""
    if int(file.stat().st_mtime) <= int(stamp):
        os.utime(file, (int(stamp) + 1, int(stamp) + 1))


def _release_text(suite: str) -> str:
    label = "Lab-Security" if suite.endswith("-security") else "READY" if suite == READY_SUITE else "Lab"
    fields = {"Origin": "opsctl-lab", "Label": label, "Suite": suite, "Codename": suite,
              "Architectures": _architecture(), "Components": "main"}
    options = [f"-oAPT::FTPArchive::Release::{name}={value}" for name, value in fields.items()]
    return run(["apt-ftparchive", *options, "release", f"dists/{suite}"], folder=paths.REPOSITORY)


def _architecture() -> str:
    """The machine's architecture, which is its guests' too; the packages themselves fit all."""
    return run(["dpkg", "--print-architecture"]).strip()


def _ensure_key() -> None:
    paths.SIGNING.chmod(0o700)
    if not _gpg("--list-secret-keys", "--with-colons").strip():
        _gpg("--passphrase", "", "--quick-generate-key", _KEY_OWNER, "ed25519", "sign", "never")
    keyring().unlink(missing_ok=True)
    _gpg("--export", "--output", str(keyring()), _KEY_OWNER)


def _gpg(*arguments: str) -> str:
    """Run gpg with the lab's key folder; its background agent does not stay."""
    try:
        return run(["gpg", "--batch", "--quiet", "--homedir", str(paths.SIGNING), "--pinentry-mode", "loopback",
                    *arguments])
    finally:
        run(["gpgconf", "--homedir", str(paths.SIGNING), "--kill", "all"])


def _recipe() -> str:
    """A hash over everything the packages are made of."""
    digest = hashlib.sha256("\n".join(suites()).encode())
    folder = Path(__file__).parent
    sources = [Path(__file__), folder / "packages.py", *sorted((folder / "ready_server").glob("*"))]
    for file in sources:
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _replace(file: Path, text: str) -> None:
    unfinished = file.with_name(f".{file.name}")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(file)


@contextmanager
def _locked() -> Iterator[None]:
    """One writer at a time; tests and `lab up` may both change the repository."""
    paths.REPOSITORY.mkdir(parents=True, exist_ok=True)
    with (paths.STATE / "repository.lock").open("w", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        handle.write(datetime.now(UTC).isoformat())
        yield
