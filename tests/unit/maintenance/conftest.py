import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from opsctl.profiles.loader import load_profile
from opsctl.profiles.model import KamstrupProfile

ROOT = Path(__file__).resolve().parents[3]


def load_utility(name: str) -> ModuleType:
    """A module that Ansible ships to the hosts, loaded by its path, after those of ours that it imports."""
    path = ROOT / "playbooks" / "module_utils" / f"{name}.py"
    for needed in re.findall(r"^from ansible\.module_utils\.(opsctl_\w+) import", path.read_text(encoding="utf-8"),
                             re.MULTILINE):
        sys.modules[f"ansible.module_utils.{needed}"] = load_utility(needed)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def apt() -> ModuleType:
    return load_utility("opsctl_apt")


@pytest.fixture(scope="session")
def host() -> ModuleType:
    return load_utility("opsctl_host")


@pytest.fixture
def birkeby() -> KamstrupProfile:
    profile = load_profile(ROOT / "inventories", "sample-birkeby")
    assert isinstance(profile, KamstrupProfile)
    return profile


@pytest.fixture
def facts() -> dict[str, Any]:
    """What the module returns for a host with one security fix, one ordinary update and a kernel."""
    def package(name: str, old: str, new: str, security: bool = False) -> dict[str, Any]:
        return {"name": name, "from": old, "to": new, "security": security, "origins": []}

    upgrades = [package("libmeterproto", "1.0-1", "1.0-1+sec1", security=True), package("metertools", "2.0-1", "2.1-1"),
                package("lab-kernel", "6.1-1", "6.1-2")]
    return {
        "upgrades": upgrades, "install": [{key: one[key] for key in ("name", "from", "to")} for one in upgrades],
        "security": ["libmeterproto"], "removals": [], "differences": [], "unheld": [], "interrupted": [],
        "held": [{"name": "ready-server", "installed": "5.4.0", "offered": "5.5.0", "security": False}],
        "boot_id": "a", "reboot_required": [], "reboot_expected": ["lab-kernel"], "stale": [], "down": [],
        "only_by_reboot": [], "reboot_used": [],
        "units": [{"unit": "lab-middleware.service", "active": "active", "invocation": "1"}]}
