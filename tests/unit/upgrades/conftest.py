import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from opsctl.profiles.loader import load_profile
from opsctl.profiles.model import KamstrupProfile

ROOT = Path(__file__).resolve().parents[3]
UTILITIES = ROOT / "playbooks" / "module_utils"


def load_utility(name: str) -> ModuleType:
    """A module that Ansible ships to the hosts, under the name by which its neighbours import it."""
    full = f"ansible.module_utils.{name}"
    if full not in sys.modules:
        # The real package: a stand-in would be in the way of the next test that needs it.
        importlib.import_module("ansible.module_utils")
        spec = importlib.util.spec_from_file_location(full, UTILITIES / f"{name}.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[full] = module
        spec.loader.exec_module(module)
    return sys.modules[full]


@pytest.fixture(scope="session")
def sources() -> ModuleType:
    return load_utility("opsctl_sources")


@pytest.fixture(scope="session")
def judge() -> ModuleType:
    return load_utility("opsctl_upgrade")


@pytest.fixture(scope="session")
def ready() -> ModuleType:
    load_utility("opsctl_apt")
    return load_utility("opsctl_ready")


@pytest.fixture
def birkeby() -> KamstrupProfile:
    profile = load_profile(ROOT / "inventories", "sample-birkeby")
    assert isinstance(profile, KamstrupProfile)
    return profile


def source(suite: str, fate: str, to: str = "", why: str = "") -> dict[str, Any]:
    return {"file": "/etc/apt/sources.list.d/a.sources", "uri": "http://apt.example", "suite": suite, "fate": fate,
            "to": to, "why": why, "trusted": False, "moves": False, "line": f"a: {suite} {fate} {to}".strip()}


@pytest.fixture
def cluster() -> dict[str, Any]:
    """A cluster as a host tells of it."""
    return {"version": 15, "cluster": "main", "port": 5432, "online": True, "standby": False, "bytes": 169_000_000,
            "slots": [], "tablespaces": [], "prepared": [], "receivers": [], "databases": ["postgres", "ready"],
            "extensions": ["plpgsql"], "stale": [], "clients": 0, "missing_extensions": [], "empty": False}


@pytest.fixture
def facts(cluster: dict[str, Any]) -> dict[str, Any]:
    """What the survey gives back for a sound database host of Debian 12."""
    return {"os": {"name": "debian", "version": "12"}, "boot_id": "b", "wrong": [], "interrupted": [], "busy": [],
            "opsctl_units": [], "held": ["ready-server"], "mine": ["ready"], "server_package": "17.6-1",
            "sources": [source("bookworm", "follows", "trixie"), source("ready", "stays", "ready")],
            "free": {"root": 9_000_000_000, "archives": 9_000_000_000, "data": 9_000_000_000, "same": True,
                     "boot": None},
            "next": {"error": "", "base": "13.1", "packages": 208, "removed": ["libssl3"], "download": 142_000_000,
                     "grows": 343_000_000},
            "clusters": [cluster], "rows": {}, "due": True, "problems": []}
