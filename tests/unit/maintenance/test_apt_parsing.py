"""What apt printed on lab hosts and on Debian servers, and what is read out of it."""

from types import ModuleType

import pytest

SIMULATION = """\
Reading package lists... Done
Building dependency tree... Done
Calculating upgrade... Done
The following packages have been kept back:
  ready-server
The following NEW packages will be installed:
  linux-image-6.1.0-39-amd64
The following packages will be upgraded:
  libneeds base-files
Inst libneeds [1.0-1] (1.0-1+sec1 Lab-Security:lab-security [all])
Inst base-files [12.4+deb12u5] (12.4+deb12u12 Debian:12.12/oldstable [amd64])
Inst libc6 [2.36-9+deb12u4] (2.36-9+deb12u13 Debian:12.12/oldstable, Debian-Security:12/oldstable-security [amd64]) []
Inst libc6:i386 [2.36-9+deb12u4] (2.36-9+deb12u13 Debian:12.12/oldstable [i386])
Inst linux-image-6.1.0-39-amd64 (6.1.148-1 Debian-Security:12/oldstable-security [amd64])
Inst local-tool [1] (2 [all])
Remv obsolete [1.0]
Conf libneeds (1.0-1+sec1 Lab-Security:lab-security [all])
"""


def test_the_simulation_is_read(apt: ModuleType) -> None:
    upgrades, removals = apt.parse_simulation(SIMULATION)
    assert [(one["name"], one["from"], one["to"], one["security"]) for one in upgrades] == [
        ("libneeds", "1.0-1", "1.0-1+sec1", True),
        ("base-files", "12.4+deb12u5", "12.4+deb12u12", False),
        ("libc6", "2.36-9+deb12u4", "2.36-9+deb12u13", True),
        ("libc6:i386", "2.36-9+deb12u4", "2.36-9+deb12u13", False),
        ("linux-image-6.1.0-39-amd64", "", "6.1.148-1", True),
        ("local-tool", "1", "2", False)]
    assert removals == ["obsolete"]


@pytest.mark.parametrize(("origin", "security"), [
    ("Lab-Security:lab-security", True), ("Debian-Security:12/oldstable-security", True),
    ("Ubuntu:22.04/jammy-security", True), ("Debian:12.12/oldstable", False), ("Lab:trixie-lab", False),
    ("security:stable", False), ("Insecurity Tools:12/stable", False), ("", False)])
def test_an_origin_is_of_a_security_suite(apt: ModuleType, origin: str, security: bool) -> None:
    assert apt.is_security(origin) is security


POLICY = """\
libneeds:
  Installed: 1.0-1
  Candidate: 2.0-1
  Version table:
     2.0-1 500
        500 http://198.51.100.1:8081 trixie-lab/main amd64 Packages
     1.0-1+sec1 500
        500 http://198.51.100.1:8081 trixie-lab-security/main amd64 Packages
 *** 1.0-1 100
        100 /var/lib/dpkg/status
fixed-long-ago:
  Installed: 1.5-1
  Candidate: 2.0-1
  Version table:
     2.0-1 500
        500 http://198.51.100.1:8081 trixie-lab/main amd64 Packages
 *** 1.5-1 500
        500 http://198.51.100.1:8081 trixie-lab-security/main amd64 Packages
        100 /var/lib/dpkg/status
     1.0-1 500
        500 http://198.51.100.1:8081 trixie-lab/main amd64 Packages
not-installed:
  Installed: (none)
  Candidate: 1.0
  Version table:
     1.0 500
        500 http://198.51.100.1:8081 trixie-lab/main amd64 Packages
"""


def test_a_security_fix_below_an_ordinary_candidate_is_seen(apt: ModuleType) -> None:
    policy = apt.parse_policy(POLICY)
    assert policy["libneeds"] == {"installed": "1.0-1", "candidate": "2.0-1", "security": True}
    assert policy["fixed-long-ago"]["security"] is False, "the fix is installed already"
    assert policy["not-installed"]["installed"] == ""


def test_differences_between_plan_and_offer_are_named(apt: ModuleType) -> None:
    def packages(**versions: str) -> list[dict[str, str]]:
        return [{"name": name, "to": version} for name, version in versions.items()]

    assert apt.same_packages(packages(a="1", b="2"), packages(b="2", a="1")) == []
    assert apt.same_packages(packages(a="1", b="3", c="1"), packages(a="1", b="2", d="1")) == [
        "c 1 comes along, but is not in the plan", "d 1 is in the plan, but is no longer offered",
        "b: planned 2, offered 3"]


@pytest.mark.parametrize("text", [
    "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812 (unattended-upgr)",
    "E: Unable to lock directory /var/lib/apt/lists/",
    "E: Problem renaming the file /var/cache/apt/srcpkgcache.bin.E2RnTG to /var/cache/apt/srcpkgcache.bin - rename "
    "(2: No such file or directory) E: The package cache file is corrupted",
    "E: Could not open file /var/lib/apt/lists/deb_dists_bookworm_main_binary-amd64_Packages - open "
    "(2: No such file or directory)"])
def test_another_apt_at_work_is_told_from_other_failures(apt: ModuleType, text: str) -> None:
    assert apt.BUSY.search(text)
    assert not apt.BUSY.search("E: The package cache file is corrupted"), "one that stays so is no matter of patience"
    assert not apt.BUSY.search("E: Failed to fetch http://198.51.100.1:8081/InRelease  Could not connect")


def test_another_apt_at_work_is_waited_for_and_anything_else_is_not(apt: ModuleType, monkeypatch: pytest.MonkeyPatch
                                                                  ) -> None:
    monkeypatch.setattr(apt.time, "sleep", lambda seconds: None)
    ends = ["apt-get update ended with 100: E: Could not get lock /var/lib/apt/lists/lock. It is held by process 8",
            "apt-get update ended with 100: E: Problem renaming the file /var/cache/apt/pkgcache.bin.a to b"]

    def act() -> str:
        if ends:
            raise apt.Failed(ends.pop())
        return "done"

    assert apt.patiently(act) == "done"
    ends.append("apt-get update ended with 100: E: The repository is not signed")
    with pytest.raises(apt.Failed, match="not signed"):
        apt.patiently(act)
    ends.extend(["E: Could not get lock /var/lib/apt/lists/lock"] * 2)
    with pytest.raises(apt.Failed, match="Could not get lock"):
        apt.patiently(act, seconds=0)
    assert len(ends) == 1, "it was tried once"
