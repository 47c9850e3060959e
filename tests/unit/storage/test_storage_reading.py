"""What a host's kernel says and what is read out of it."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from opsctl.storage.model import measurement_of

ROOT = Path(__file__).resolve().parents[3]
MOUNTINFO = """\
320 88 0:49 / / rw,relatime - overlay overlay rw,lowerdir=/base,upperdir=/upper,workdir=/work,uuid=on
321 320 0:52 / /tmp rw,nosuid,nodev - tmpfs tmpfs rw,size=2468244k
330 320 253:0 /lib/incoming /run/host/incoming ro,relatime - ext4 /dev/vda rw,discard
331 320 7:0 / /var/lib/opsctl-scratch rw,relatime - ext4 /dev/loop0 rw
332 320 7:0 /sub /srv/bound/elsewhere rw,relatime - ext4 /dev/loop0 rw
333 320 0:60 / /mnt/with\\040space rw,relatime shared:5 - nfs4 store:/x rw,vers=4.2
334 320 8:1 / /ro rw,relatime - ext4 /dev/sda1 ro,errors=remount-ro
335 320 0:61 / /proc rw - proc proc rw
"""


@pytest.fixture(scope="module")
def volumes() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "opsctl_volumes", ROOT / "playbooks" / "module_utils" / "opsctl_volumes.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_volumes_that_hold_data(volumes: ModuleType) -> None:
    found = volumes.data_volumes(volumes.parse_mountinfo(MOUNTINFO))
    assert [(one["mount"], one["type"], one["read_only"]) for one in found] == [
        ("/", "overlay", False), ("/mnt/with space", "nfs4", False), ("/ro", "ext4", True),
        ("/var/lib/opsctl-scratch", "ext4", False)]


def test_mounts_that_fstab_wants(volumes: ModuleType) -> None:
    assert volumes.parse_fstab("# x\nUUID=1 / ext4 defaults 0 1\n/dev/b /data xfs defaults 0 2 # y\n"
                               "/dev/c none swap sw 0 0\n/dev/d /media/cd iso9660 ro,noauto 0 0\n\n") == ["/", "/data"]


def test_a_path_lies_on_the_volume_of_its_longest_mount(volumes: ModuleType) -> None:
    mounts = volumes.parse_mountinfo(MOUNTINFO)
    known = volumes.data_volumes(mounts)
    for path, mount in (("/var/lib/postgresql/17/main", "/"), ("/var/lib/opsctl-scratch/x", "/var/lib/opsctl-scratch"),
                        ("/var/lib/opsctl-scratch2", "/"), ("/srv/bound/elsewhere/x", "/var/lib/opsctl-scratch"),
                        ("/tmp/x", "")):
        assert volumes.volume_of(path, mounts, known) == mount, path


def test_mean_time_per_operation(volumes: ModuleType) -> None:
    line = "   7       0 loop0 {} 0 80 {} {} 0 160 {} 0 0 0\n"
    before, after = (volumes.parse_diskstats(line.format(*numbers))
                     for numbers in ((10, 40, 20, 60), (12, 44, 24, 74)))
    assert volumes.await_milliseconds(before, after, "7:0") == 3.0
    assert volumes.await_milliseconds(before, before, "7:0") is None
    assert volumes.await_milliseconds(before, after, "0:49") is None


def test_a_probe_measures_and_leaves_nothing(volumes: ModuleType, tmp_path: Path) -> None:
    found = volumes.probe(str(tmp_path), writes=4)
    assert (found["error"], found["writes"]) == ("", 4)
    assert 0 < found["median"] <= found["worst"]
    assert list(tmp_path.iterdir()) == []
    assert "No such file" in volumes.probe(str(tmp_path / "absent"))["error"]


def test_a_volume_that_does_not_answer_is_given_up(volumes: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    hang = threading.Event()
    monkeypatch.setattr(volumes, "SECONDS_PER_VOLUME", 0.2)
    monkeypatch.setattr(volumes.os, "statvfs", lambda _path: hang.wait(20))
    assert "no answer" in volumes.measure({"mount": "/hung"})["error"]
    hang.set()


def test_a_host_that_gave_nothing_back_has_a_problem() -> None:
    assert measurement_of("db1", None, "").problem
    assert measurement_of("db1", None, "unreachable: x").problem == "unreachable: x"


def test_the_kernel_s_rates_of_a_device(volumes: ModuleType) -> None:
    line = "   8       1 sda1 10 0 2000 40 20 0 4000 60 0 5000 100\n"
    assert volumes.device_rates(line, "100.0 300.0", "8:1") == {
        "read_bytes_per_second": 10240, "written_bytes_per_second": 20480, "busy_percent": 5.0}
    assert volumes.device_rates(line, "100.0 300.0", "8:2") == {}
    assert volumes.device_rates("rubbish\n", "", "8:1") == {}


def test_throughput_leaves_nothing_and_spares_a_full_disk(volumes: ModuleType, tmp_path: Path,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    assert volumes.throughput(str(tmp_path), chunks=1) > 0
    assert list(tmp_path.iterdir()) == []
    assert volumes.throughput(str(tmp_path / "absent")) is None
    real = volumes.os.statvfs(tmp_path)
    full = volumes.os.statvfs_result((*real[:4], 1, *real[5:]))
    monkeypatch.setattr(volumes.os, "statvfs", lambda _path: full)
    assert volumes.throughput(str(tmp_path)) is None
