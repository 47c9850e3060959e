"""What the lab says where it cannot run."""

import shutil
from pathlib import Path

import pytest

from opsctl.core.errors import OperationFailed
from opsctl.lab import machine


def test_without_root_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.os, "geteuid", lambda: 1000)
    with pytest.raises(OperationFailed, match="needs root") as caught:
        machine.require_machine(lambda text: None)
    assert "not there yet" in caught.value.resolution


def test_missing_programs_are_named_by_their_package_when_there_is_no_apt(
        monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine.os, "geteuid", lambda: 0)
    (tmp_path / "ip").symlink_to(shutil.which("true") or "/bin/true")
    monkeypatch.setattr(machine, "_FOLDERS", str(tmp_path))
    assert "iproute2" in machine.missing_tools()  # `tc` is missing, `ip` is there
    with pytest.raises(OperationFailed, match="systemd-container") as caught:
        machine.require_machine(lambda text: None)
    assert "no apt-get" in caught.value.message


def test_missing_python_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.os, "geteuid", lambda: 0)
    monkeypatch.setattr(machine, "missing_tools", tuple)
    monkeypatch.setattr(machine, "_PYTHON_PACKAGES", ("no_such_package",))
    with pytest.raises(OperationFailed, match="the Python package no_such_package") as caught:
        machine.require_machine(lambda text: None)
    assert "dependency group `lab`" in caught.value.resolution
