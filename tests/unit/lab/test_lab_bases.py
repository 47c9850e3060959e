"""A host is made on one base: when that was removed and built anew, the host has to be made again."""

import json
import os
import shutil
from pathlib import Path

import pytest

from opsctl.lab import hosts, paths
from opsctl.lab.base import base_folder, built
from opsctl.lab.definition import GUEST_USER, HOSTS
from opsctl.lab.layout import HostFolders


@pytest.fixture(autouse=True)
def _own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "BASES", tmp_path / "bases")
    monkeypatch.setattr(paths, "HOSTS", tmp_path / "hosts")


def build(folder: Path, second: int) -> None:
    file = folder / "etc" / "sudoers.d" / GUEST_USER
    file.parent.mkdir(parents=True)
    file.touch()
    os.utime(file, (second, second))


def test_a_host_whose_base_was_built_anew_is_not_made_any_more() -> None:
    host = HOSTS[0]
    base = base_folder(host.suite)
    record = HostFolders(host.name).record
    record.parent.mkdir(parents=True)
    assert not hosts.made(host)
    build(base, 1_000)
    record.write_text(json.dumps({"base": base.name, "built": built(base.name), "address": host.address}))
    assert hosts.made(host)
    shutil.rmtree(base)
    assert not hosts.made(host), "the cache was removed, perhaps under a running host"
    build(base, 2_000)
    assert not hosts.made(host), "the base of this name is another one"


def test_a_record_that_knows_no_time_is_of_no_use() -> None:
    host = HOSTS[0]
    base = base_folder(host.suite)
    build(base, 1_000)
    record = HostFolders(host.name).record
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps({"base": base.name, "address": host.address}))
    assert not hosts.made(host)
