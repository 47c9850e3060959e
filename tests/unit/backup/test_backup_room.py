"""A restore leaves the disk a reserve; a logical one asks about the disk of the server's own data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from opsctl.adapters.objects.memory import MemoryObjects
from opsctl.backup.catalog import catalog
from opsctl.backup.engines.contract import DatabaseEngine, Target
from opsctl.backup.engines.directories import require_room
from opsctl.backup.engines.mariadb_dump import MariaDBDump
from opsctl.backup.engines.postgresql_dump import PostgreSQLDump
from opsctl.backup.engines.room import RESERVE_MOST, require_free
from opsctl.backup.exchange import Ran
from opsctl.backup.manifest import Manifest
from opsctl.core.errors import OperationFailed
from tests.unit.backup.local_host import local_program
from tests.unit.backup.made import bench
from tests.unit.backup.scripted_host import ScriptedHost

GB = 1_000_000_000
FOLDERS = {"/var/lib/postgresql/17/main", "/srv/mysql/"}


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Of 10 GB on its host, 100 bytes in the store."""
    found = bench(tmp_path)
    store = MemoryObjects(found.clock)
    found.make(store)
    [backup] = catalog(found.workplace, found.profile, store=store).backups
    found.workplace.ledger.close()
    assert backup.manifest is not None
    return backup.manifest.model_copy(update={"facts": {"server_bytes": str(10 * GB)}})


class Host(ScriptedHost):
    """free: of a disk of `size`, both in bytes."""

    def __init__(self, root: Path, free: int, size: int) -> None:
        super().__init__(root, self._answered)
        self.disk = f"Avail 1B-blocks\n{free} {size}\n"

    def _answered(self, line: str, stdin: str) -> Ran:
        if line.startswith("df"):
            return Ran(0, self.disk, "")
        if line.startswith("pg_lsclusters"):
            return Ran(0, "17 main 5432 online postgres /var/lib/postgresql/17/main /log\n", "")
        said = {"show server_version;": "17.5\n", "show data_directory;": "/var/lib/postgresql/17/main\n",
                "select @@datadir;": "/srv/mysql/\n"}.get(stdin.strip(), "0\n")
        return Ran(0, json.dumps({"version": "17.5", "present": 0}) if "json_object" in stdin else said, "")


@pytest.mark.parametrize("engine", [PostgreSQLDump(), MariaDBDump()])
@pytest.mark.parametrize(("free", "fits"), [(15 * GB, True), (15 * GB - 1, False), (10 * GB, False), (0, False)])
def test_a_logical_restore_leaves_the_server_a_twentieth_of_its_disk(engine: DatabaseEngine, free: int, fits: bool,
                                                                     manifest: Manifest, tmp_path: Path) -> None:
    host = Host(tmp_path, free, 100 * GB)
    target = Target("", 20_001, "rehearsal_00000000")
    if fits:
        engine.fits(host, manifest, target)
    else:
        with pytest.raises(OperationFailed, match=r"about 10\.0 GB are needed and 5\.0 GB must stay free") as error:
            engine.fits(host, manifest, target)
        assert "another host" in error.value.resolution
    assert {line.split()[-1] for line in host.ran if line.startswith("df")} <= FOLDERS
    assert any(line.startswith("df") for line in host.ran)


def test_a_physical_restore_needs_room_for_what_is_stored_too(manifest: Manifest, tmp_path: Path) -> None:
    target = Target("/var/lib/restored", 20_001)
    require_room(Host(tmp_path, 15 * GB + 100, 100 * GB), target, manifest)
    with pytest.raises(OperationFailed, match="must stay free"):
        require_room(Host(tmp_path, 15 * GB + 99, 100 * GB), target, manifest)


def test_the_reserve_of_a_large_disk_is_bounded(tmp_path: Path) -> None:
    require_free(Host(tmp_path, 10 * GB + RESERVE_MOST, 10**15), "/srv", 10 * GB, "")
    with pytest.raises(OperationFailed):
        require_free(Host(tmp_path, 10 * GB + RESERVE_MOST - 1, 10**15), "/srv", 10 * GB, "")


def test_a_real_disk_is_asked() -> None:
    with local_program() as (host, _):
        with pytest.raises(OperationFailed, match="GB free"):
            require_free(host, "/", 10**18, "a larger disk")
        with pytest.raises(OperationFailed, match="is not there"):
            require_free(host, "/no-such-folder", 0, "a larger disk")
