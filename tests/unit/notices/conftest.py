"""A workplace with a real ledger, the templates of this tree, and releases made for the test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from opsctl.core.clock import FixedClock
from opsctl.core.progress import Silent
from opsctl.ledger import open_ledger
from opsctl.profiles.loader import load_profile
from opsctl.profiles.model import ADAPTER, Profile
from opsctl.profiles.settings import Settings
from opsctl.releases.catalogue import Catalogue, load
from opsctl.runs.workplace import Workplace

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
ProfileMaker = Callable[..., Profile]


@pytest.fixture
def templates(tmp_path: Path) -> Path:
    """A copy of the templates that a test may change."""
    return Path(shutil.copytree(ROOT / "templates", tmp_path / "templates"))


@pytest.fixture
def workplace(tmp_path: Path, templates: Path) -> Iterator[Workplace]:
    clock = FixedClock(NOW)
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger/ledger.db", clock)
    settings = Settings(inventories=ROOT / "inventories", templates=templates, releases=ROOT / "releases")
    yield Workplace(settings, ledger, clock, Silent(), "tests", tmp_path / "runs", tmp_path / "drafts")
    ledger.close()


@pytest.fixture(scope="session")
def releases() -> Catalogue:
    return load(ROOT / "releases")


@pytest.fixture(scope="session")
def sample() -> ProfileMaker:
    """A sample profile by its short name, with top-level keys changed."""
    def made(short: str, /, **changed: Any) -> Profile:
        profile = load_profile(ROOT / "inventories", f"sample-{short}")
        return ADAPTER.validate_python({**profile.model_dump(mode="json"), **changed})

    return made
