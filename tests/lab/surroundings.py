"""Tests on the lab's real hosts: each has a ledger, folders and places in the stores of its own."""

import fcntl
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from opsctl.cli.progress import progress
from opsctl.core.clock import SystemClock
from opsctl.ledger import open_ledger
from opsctl.profiles.hosted import DirectoryStore
from opsctl.profiles.loader import load_profile, load_settings
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.workplace import Workplace

ROOT = Path(__file__).resolve().parents[2]
LAB = Path("/var/lib/opsctl-lab")


@pytest.fixture(scope="session")
def lab() -> Iterator[Path]:
    """The lab, up: all hosts and servers run. Yields its folder; one test run at a time has it."""
    from opsctl.lab.service import up
    from opsctl.lab.status import status

    if os.geteuid() != 0:
        from tests.not_exercised import not_exercised

        not_exercised("the lab needs root")
    LAB.mkdir(mode=0o700, exist_ok=True)
    with (LAB / "tests.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not status().complete:
            up(ROOT, lambda line: None)
        assert status().complete
        _as_new()
        yield LAB


def _as_new() -> None:
    """Make the hosts anew that the demo, or a run that was killed, left changed."""
    from opsctl.lab.definition import HOSTS
    from opsctl.lab.service import reset
    from tests.lab.guests import on

    asked = "metertools\ndpkg-query -W -f '${Version}' ready-server 2> /dev/null || true"
    left = {one.customer for one in HOSTS if on(one.name, asked).splitlines() != [
        "metertools 2.0-1", *(["5.4.0"] if "application" in one.roles else [])]}
    if left:
        reset(ROOT, lambda line: None, [one.name for one in HOSTS if one.customer in left])


@pytest.fixture
def inventories(lab: Path, tmp_path: Path) -> Path:
    """The sample inventories with the lab's host keys, their stores moved to a place of this test alone."""
    folder = tmp_path / "inventories"
    place = f"tests-{secrets.token_hex(4)}"
    for source in sorted((ROOT / "inventories").iterdir()):
        if not (source / "profile.yml").is_file():
            continue
        shutil.copytree(source, folder / source.name)
        profile = folder / source.name / "profile.yml"
        text = profile.read_text(encoding="utf-8")
        text = text.replace("    bucket: opsctl-lab-backups", f"    bucket: opsctl-lab-backups\n    prefix: {place}/")
        text = text.replace("bucket: opsctl-lab-copies", f"bucket: opsctl-lab-copies\n      prefix: {place}/")
        if "hosting: kamstrup\n" in text:
            text += "hold_releases: a test that installs one says so itself\n"
        text = text.replace(f"path: {LAB}/store/cedervig", f"path: {tmp_path}/store")
        profile.write_text(text, encoding="utf-8")
    (tmp_path / "store").mkdir(mode=0o700)
    return folder


@pytest.fixture
def config(inventories: Path, tmp_path: Path) -> Path:
    """An opsctl.yml with this test's ledger and folders, and the lab's key."""
    path = tmp_path / "opsctl.yml"
    path.write_text(
        f"ledger: {{url: 'sqlite:///{tmp_path}/ledger/ledger.db'}}\ninventories: inventories\n"
        f"releases: {ROOT}/releases\ntemplates: {ROOT}/templates\nplaybooks: {ROOT}/playbooks\n"
        f"runs: runs\ndrafts: drafts\nssh: {{identity: {LAB}/ssh/id_ed25519}}\n", encoding="utf-8")
    # Each test begins without a backup; those about patching alone take none.
    set_in(path, policy={"patch_unbacked": "warn"})
    return path


def set_in(config: Path, **settings: Mapping[str, Any]) -> None:
    """Add to the mappings of an opsctl.yml, such as `policy`; what they have already stays."""
    known = yaml.safe_load(config.read_text(encoding="utf-8"))
    for name, more in settings.items():
        known[name] = {**known.get(name, {}), **more}
    config.write_text(yaml.safe_dump(known), encoding="utf-8")


@pytest.fixture
def workplace(config: Path, tmp_path: Path) -> Iterator[Workplace]:
    """A workplace as the commands have it."""
    settings = load_settings(config, tmp_path)
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger/ledger.db", SystemClock())
    with progress() as reporter:
        yield Workplace(settings, ledger, SystemClock(), reporter, "tests", tmp_path / "runs", tmp_path / "drafts")
    ledger.close()


def hosted(workplace: Workplace, customer: str) -> KamstrupProfile:
    """The profile of a vendor-hosted sample, as this test has it."""
    profile = load_profile(workplace.settings.inventories, customer)
    assert isinstance(profile, KamstrupProfile)
    assert isinstance(profile.backup.store, DirectoryStore) or profile.backup.store.prefix.startswith("tests-")
    return profile


class Answer(NamedTuple):
    """What a command printed and how it ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def envelope(self) -> Any:
        return json.loads(self.stdout)


class Opsctl:
    """Runs the real command line in a process of its own."""

    def __init__(self, config: Path) -> None:
        self._environment = {"PATH": os.environ["PATH"], "HOME": str(config.parent), "OPSCTL_CONFIG": str(config),
                             "LC_ALL": "C.UTF-8", "CI": "true"}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, "-m", "opsctl", *arguments], cwd=ROOT, text=True,
                                env=self._environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def __call__(self, *arguments: str) -> Answer:
        child = self.start(*arguments)
        out, err = child.communicate(timeout=500)
        return Answer(child.returncode, out, err)


@pytest.fixture
def opsctl(config: Path) -> Opsctl:
    """The command line with this test's settings."""
    return Opsctl(config)
