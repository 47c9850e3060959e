"""Which units run replaced files: read from a /proc made for the test, with texts seen on lab hosts."""

from pathlib import Path
from types import ModuleType

import pytest

DELETED = "7f6d2a000000-7f6d2a028000 r--p 00000000 00:31 1180  /usr/lib/x86_64-linux-gnu/libssl.so.3 (deleted)\n"
PRESENT = "7f6d2a000000-7f6d2a028000 r--p 00000000 00:31 1180  /usr/lib/x86_64-linux-gnu/libssl.so.3\n"
HARMLESS = ("7f00-7f01 rw-s 00000000 00:01 1026  /dev/zero (deleted)\n"
            "7f02-7f03 rw-s 00000000 00:1a 2  /memfd:x (deleted)\n"
            "7f04-7f05 rw-s 00000000 00:1a 3  /var/lib/postgresql/17/main/base/1/2 (deleted)\n")


def process(proc: Path, pid: int, unit: str, maps: str, exe: str = "/usr/bin/python3", cgroup: str = "0::") -> None:
    folder = proc / str(pid)
    folder.mkdir(parents=True)
    (folder / "maps").write_text(maps, encoding="utf-8")
    (folder / "cgroup").write_text(f"8:pids:/\n{cgroup}/system.slice/{unit}\n", encoding="utf-8")
    (folder / "exe").symlink_to(exe)


@pytest.mark.parametrize("cgroup", ["0::", "1:name=systemd:"])
def test_units_with_replaced_libraries_are_found(host: ModuleType, tmp_path: Path, cgroup: str) -> None:
    process(tmp_path, 10, "lab-middleware.service", DELETED, cgroup=cgroup)
    process(tmp_path, 11, "system-postgresql.slice/postgresql@17-main.service", DELETED, cgroup=cgroup)
    process(tmp_path, 12, "ready-server.service", PRESENT + HARMLESS, cgroup=cgroup)
    process(tmp_path, 13, "cron.service", PRESENT, exe="/usr/sbin/cron (deleted)", cgroup=cgroup)
    assert host.stale_units(str(tmp_path)) == (
        ["cron.service", "lab-middleware.service", "postgresql@17-main.service"], [])


def test_what_only_a_reboot_renews_is_told_apart(host: ModuleType, tmp_path: Path) -> None:
    process(tmp_path, 1, "init.scope", DELETED)
    process(tmp_path, 20, "dbus.service", DELETED)
    process(tmp_path, 21, "user-1000.slice/user@1000.service/app.slice", DELETED)
    process(tmp_path, 22, "opsctl-20261123t101500-patch-apply-install.service", DELETED)
    assert host.stale_units(str(tmp_path)) == ([], ["dbus.service", "init", "user@.service"]), "whoever is logged in"


LIBRARY = "/usr/lib/x86_64-linux-gnu/libexpat.so.1.8.10"
EXPAT = f"7f6d-7f6e r-xp 00000000 00:31 11  {LIBRARY}\n"


def listed(info: Path, package: str, *paths: str) -> None:
    info.mkdir(exist_ok=True)
    (info / f"{package}.list").write_text("/.\n" + "".join(f"{path}\n" for path in paths), encoding="utf-8")


def test_it_is_known_before_what_only_a_reboot_will_renew(host: ModuleType, tmp_path: Path) -> None:
    proc, info = tmp_path / "proc", tmp_path / "info"
    process(proc, 1, "init.scope", PRESENT, exe="/usr/lib/systemd/systemd")
    process(proc, 20, "dbus.service", EXPAT + HARMLESS)
    process(proc, 21, "user-1000.slice/user@1000.service/app.slice", EXPAT)
    process(proc, 22, "cron.service", EXPAT, exe="/usr/sbin/cron")
    listed(info, "libexpat1:amd64", "/usr/lib/x86_64-linux-gnu/libexpat.so.1", LIBRARY)
    listed(info, "systemd", "/usr/lib/systemd/systemd")
    listed(info, "cron", "/usr/sbin/cron")
    listed(info, "libexpat1-dev:amd64", "/usr/include/libexpat.so.1.8.10")
    names = ["libexpat1", "systemd", "cron", "libexpat1-dev", "new"]
    assert host.renewed_only_by_reboot(names, str(proc), str(info)) == [
        {"package": "libexpat1", "units": ["dbus.service", "user@.service"]},
        {"package": "systemd", "units": ["init"]}]


def test_a_package_may_name_its_files_by_a_path_that_is_a_link(
        host: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proc, info = tmp_path / "proc", tmp_path / "info"
    process(proc, 20, "dbus.service", EXPAT)
    listed(info, "libexpat1:amd64", "/lib/x86_64-linux-gnu/libexpat.so.1.8.10")
    with monkeypatch.context() as patched:
        patched.setattr(host.os.path, "realpath", lambda path: f"/usr{path}")
        found = host.renewed_only_by_reboot(["libexpat1"], str(proc), str(info))
    assert found == [{"package": "libexpat1", "units": ["dbus.service"]}]


def test_units_that_are_missing_or_down_are_named(host: ModuleType) -> None:
    assert host.all_active({"postgresql@*-main.service": [], "ready-server.service": [
        {"unit": "ready-server.service", "active": "failed", "invocation": ""}]}) == [
            "postgresql@*-main.service: there is no such unit", "ready-server.service is failed"]
    sound = {"unit": "mariadb.service", "active": "active", "invocation": "1"}
    assert host.all_active({"mariadb.service": [sound]}) == []
