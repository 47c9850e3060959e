"""What stands in the way of an upgrade, judged from what a host says."""

from copy import deepcopy
from types import ModuleType
from typing import Any

import pytest


def debian(judge: ModuleType, facts: dict[str, Any], **changed: Any) -> list[str]:
    return judge.debian_obstacles({**deepcopy(facts), **changed}, 13)  # type: ignore[no-any-return]


def postgresql(judge: ModuleType, facts: dict[str, Any], *clusters: dict[str, Any], **changed: Any) -> list[str]:
    said = {**facts, "clusters": list(clusters), **changed}
    return judge.postgresql_obstacles(said, 17, ["main"], 13)  # type: ignore[no-any-return]


def test_a_sound_host_can_go(judge: ModuleType, facts: dict[str, Any], cluster: dict[str, Any]) -> None:
    assert debian(judge, facts) == []
    assert postgresql(judge, facts, cluster) == []
    assert judge.debian_due(facts, 13) and not judge.debian_due({"os": {"name": "debian", "version": "13"}}, 13)


@pytest.mark.parametrize(("changed", "words"), [
    ({"os": {"name": "debian", "version": "11"}}, "Debian 11 to 13 is not supported: only from 12 to 13"),
    ({"os": {"name": "debian", "version": "14"}}, "a release is not taken back this way"),
    ({"os": {"name": "ubuntu", "version": "24.04"}}, "it runs ubuntu 24.04, not Debian"),
    ({"held": ["ready-server", "nginx"]}, "on hold: nginx"),
    ({"interrupted": ["half done"]}, "half done"), ({"busy": ["apt-get (7)"]}, "apt-get (7) is at work on it"),
    ({"opsctl_units": ["opsctl-x.service"]}, "opsctl-x.service is at work"),
    ({"wrong": ["ready-server.service is failed"]}, "ready-server.service is failed"),
    ({"mine": []}, "also holds ready, which others may write to")])
def test_what_a_host_is_refused_for(judge: ModuleType, facts: dict[str, Any], changed: dict[str, Any],
                                    words: str) -> None:
    (line,) = debian(judge, facts, **changed)
    assert words in line


@pytest.mark.parametrize(("ahead", "words"), [
    ({"error": "E: no"}, "apt cannot work the upgrade out: E: no"),
    ({"base": "12.9"}, "no signed source offers Debian 13: base-files there is 12.9"),
    ({"base": ""}, "not offered"),
    ({"removed": ["libssl3", "postgresql-15", "ready-server"]}, "would remove postgresql-15, ready-server")])
def test_what_apt_foresees(judge: ModuleType, facts: dict[str, Any], ahead: dict[str, Any], words: str) -> None:
    (line,) = debian(judge, facts, next={**facts["next"], **ahead})
    assert words in line


@pytest.mark.parametrize(("free", "place"), [
    ({"root": 990_000_000}, "/ "), ({"boot": 100_000_000}, "/boot "),
    ({"root": 900_000_000, "archives": 600_000_000, "same": False}, "/var/cache/apt/archives ")])
def test_space_where_it_is_needed(judge: ModuleType, facts: dict[str, Any], free: dict[str, Any], place: str) -> None:
    (line,) = debian(judge, facts, free={**facts["free"], **free})
    assert line.startswith(place) and "MB are needed" in line


def test_space_on_one_file_system_is_needed_together(judge: ModuleType, facts: dict[str, Any]) -> None:
    need = facts["next"]["grows"] + facts["next"]["download"] + judge.RESERVE
    for free, lines in ((need, 0), (need - 1, 1)):
        assert len(debian(judge, facts, free={**facts["free"], "root": free, "archives": free})) == lines


@pytest.mark.parametrize(("key", "words"), [("trusted", "trusted without a signature"), ("moves", "moves by itself")])
def test_sources_that_prove_nothing(judge: ModuleType, facts: dict[str, Any], key: str, words: str) -> None:
    (line,) = debian(judge, facts, sources=[{**facts["sources"][0], key: True}])
    assert words in line


@pytest.mark.parametrize(("changed", "words"), [
    ({"slots": ["standby"]}, "replication slots: standby"), ({"tablespaces": ["fast"]}, "tablespaces of its own: fast"),
    ({"prepared": ["x"]}, "prepared transactions: x"), ({"receivers": ["replica"]}, "standbys that follow it: replica"),
    ({"standby": True}, "it is a standby"), ({"missing_extensions": ["postgis"]}, "the extension postgis is not there"),
    ({"bytes": 8_600_000_000}, "9000 MB are free, 9136 MB are needed"), ({"online": False}, "it is not running"),
    ({"version": 14}, "from 14 to 17 is not supported"), ({"version": 18}, "a version is not taken back"),
    ({"cluster": "other"}, "there is none: correct the profile")])
def test_what_a_cluster_is_refused_for(judge: ModuleType, facts: dict[str, Any], cluster: dict[str, Any],
                                       changed: dict[str, Any], words: str) -> None:
    (line,) = postgresql(judge, facts, {**cluster, **changed})
    assert words in line


def test_a_new_cluster_in_the_way(judge: ModuleType, facts: dict[str, Any], cluster: dict[str, Any]) -> None:
    ahead = {**cluster, "version": 17, "port": 5433}
    (line,) = postgresql(judge, facts, cluster, ahead)
    assert "there is a cluster 17/main already" in line
    assert postgresql(judge, facts, cluster, {**ahead, "empty": True}) == []


def test_debian_comes_first(judge: ModuleType, facts: dict[str, Any]) -> None:
    (line,) = judge.postgresql_obstacles(facts, 17, ["main"], 12)
    assert line == "Debian 12 has PostgreSQL 15, not 17: upgrade the Debian release first, `--to-debian 13`"
    (line,) = judge.postgresql_obstacles(facts, 16, ["main"], 13)
    assert line == "Debian 13 has PostgreSQL 17, not 16"
    (line,) = judge.postgresql_obstacles({**facts, "server_package": ""}, 17, [], 13)
    assert "offer no postgresql-17" in line


@pytest.mark.parametrize(("listed", "version"), [
    ("15 main 5432 online postgres /d /l", "15"),
    ("15 main 5433 down postgres /d /l\n17 main 5432 online x /d /l", "17"),
    ("15 main 5432 online x /d /l\n17 main 5433 down x /d /l", "15"),
    ("15 main 5432 down x /d /l\n9 main 5 down x /d", "15"),
    ("15 other 5432 online x /d /l", ""), ("", "")])
def test_the_cluster_that_runs_is_the_cluster(ready: ModuleType, listed: str, version: str) -> None:
    assert ready.running_version(listed, "main") == version


def test_due_until_the_new_one_runs_alone(judge: ModuleType, cluster: dict[str, Any]) -> None:
    new, stopped = {**cluster, "version": 17}, {**cluster, "online": False}
    assert judge.cluster_due([cluster], 17) and judge.cluster_due([cluster, new], 17)
    assert judge.cluster_due([stopped], 17) and not judge.cluster_due([stopped, new], 17)
