"""The platform of a customer upgraded for real: Debian 12 to 13 on two hosts, then PostgreSQL 15 to 17.

Each with a failure midway before: a control process that dies while packages are unpacked, and a READY that is not
healthy on the new PostgreSQL. The hosts are as new before and afterwards.
"""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from opsctl.core.errors import OperationFailed
from opsctl.lab import paths, service, snapshot
from opsctl.lab.base import base_folder
from opsctl.lab.definition import host
from opsctl.lab.layout import HostFolders
from opsctl.lab.upgrades import OLD, ensure_packages
from opsctl.runs.workplace import Workplace
from tests.lab.guests import ROOT, boot_id, healthy, on, ready, wait
from tests.lab.surroundings import Answer, Opsctl, set_in
from tests.not_exercised import not_exercised

pytestmark = pytest.mark.lab
HOSTS = ("birkeby-db", "birkeby-app")
CUSTOMER = "sample-birkeby"
# READY does not start while the database server is 17: what a release that cannot work with it would do.
NOT_ON_17 = """
mkdir -p /etc/systemd/system/ready-server.service.d
cat > /etc/systemd/system/ready-server.service.d/tests.conf <<'END'
[Service]
ExecStartPre=/usr/bin/python3 /usr/local/lib/not-on-17
END
cat > /usr/local/lib/not-on-17 <<'END'
import json, psycopg2
with open("/etc/ready/ready.json") as stream:
    told = json.load(stream)["database"]
with open("/etc/ready/database-password") as stream:
    password = stream.read().strip()
link = psycopg2.connect(host=told["host"], port=told["port"], dbname=told["name"], user=told["user"], password=password)
raise SystemExit(link.server_version >= 170000)
END
systemctl daemon-reload
"""


@pytest.fixture
def new_hosts(lab: Path) -> Iterator[Path]:
    """Both hosts as new, with Debian 13 offered; as new again afterwards. Before the inventories are copied."""
    def quiet(_: str) -> None:
        return

    try:
        ensure_packages(paths.UPGRADES, base_folder(OLD), quiet)
    except OperationFailed as error:
        not_exercised(f"the packages of Debian 13 cannot be fetched here: {error.message}")
    service.reset(ROOT, quiet, HOSTS)
    service.up(ROOT, quiet, upgrades=True)
    yield lab
    service.reset(ROOT, quiet, HOSTS)


@pytest.fixture
def upgradable(new_hosts: Path, config: Path) -> None:
    """Settings with the lab's snapshot program."""
    known = yaml.safe_load((new_hosts / "opsctl.yml").read_text(encoding="utf-8"))
    set_in(config, snapshots=known["snapshots"], policy={"healthy_seconds": 10})


def rows() -> str:
    """Every table's rows and a checksum of what is in them, as the running cluster says."""
    return on("birkeby-db", """cd /; setpriv --reuid postgres --regid postgres --init-groups psql -X -At ready <<'END'
SELECT count(*), md5(string_agg(m::text, '|' ORDER BY m.id)) FROM meters m;
SELECT count(*), md5(string_agg(r::text, '|' ORDER BY meter_id, read_at)) FROM readings r;
END""")


def release(name: str) -> str:
    return on(name, ". /etc/os-release; echo $VERSION_ID")


def clusters() -> list[list[str]]:
    return [line.split()[:4] for line in on("birkeby-db", "pg_lsclusters -h").splitlines()]


def applied(opsctl: Opsctl, *arguments: str) -> Answer:
    """`upgrade apply`, which on a machine at work may take longer than other commands."""
    child = opsctl.start("upgrade", "apply", CUSTOMER, *arguments, "--yes", "--json")
    out, err = child.communicate(timeout=1200)
    return Answer(child.returncode, out, err)


def outcome(answer: Any) -> Any:
    return answer.envelope["data"]["outcomes"][0]


@pytest.mark.timeout(1800)
def test_a_platform_is_upgraded_and_what_fails_midway_is_taken_back(upgradable: None, opsctl: Opsctl,
                                                                    workplace: Workplace, tmp_path: Path) -> None:
    before = rows()
    _debian_is_refused_for_postgresql_17(opsctl)
    _an_upgrade_that_was_killed_is_taken_back(opsctl, workplace, before)
    _debian(opsctl, before, tmp_path)
    _postgresql_that_ready_cannot_work_with_is_taken_back(opsctl, before)
    _postgresql(opsctl, workplace, before)
    _the_end(opsctl, before)


def _debian_is_refused_for_postgresql_17(opsctl: Opsctl) -> None:
    planned = opsctl("upgrade", "plan", CUSTOMER, "--to-postgresql", "17", "--json")
    assert planned.code == 1 and "upgrade the Debian release first" in outcome(planned)["summary"]


def _an_upgrade_that_was_killed_is_taken_back(opsctl: Opsctl, workplace: Workplace, before: str) -> None:
    boots = [boot_id(name) for name in HOSTS]
    child = opsctl.start("upgrade", "apply", CUSTOMER, "--to-debian", "13", "--yes")
    assert child.stderr is not None
    for line in child.stderr:
        if "Upgrade what needs no new packages" in line:
            break
    wait(lambda: "Unpacking" in on("birkeby-db", "cat /var/log/opsctl/*"), 120, "packages are unpacked")
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=60)
    assert not healthy("birkeby-app"), "READY takes no writes meanwhile"
    for lease in workplace.ledger.leases():
        workplace.ledger.release(lease)
    refused = opsctl("patch", "apply", CUSTOMER, "--yes")
    assert refused.code == 1 and "upgrade of the platform was broken off" in refused.stdout
    back = opsctl("upgrade", "rollback", CUSTOMER, "--yes", "--json")
    assert back.code == 0, back
    assert "taken back, READY is healthy" in outcome(back)["summary"]
    assert [release(name) for name in HOSTS] == ["12", "12"]
    assert all(boot_id(name) != boot for name, boot in zip(HOSTS, boots, strict=True))
    assert all(on(name, "dpkg --audit; grep -rl trixie /etc/apt/sources.list.d || true") == "" for name in HOSTS)
    assert healthy("birkeby-app") and rows() == before
    assert not [left for name in HOSTS for left in HostFolders(name).snapshots.iterdir()]


def _debian(opsctl: Opsctl, before: str, tmp_path: Path) -> None:
    # Somebody else's repository that has nothing for the new release: it is switched off, and named.
    on("birkeby-app", "sed 's/^Suites:.*/Suites: bookworm-gone/' /etc/apt/sources.list.d/debian.sources "
                      "> /etc/apt/sources.list.d/theirs.sources")
    # As Debian has it: its packages make an empty cluster of a new version, which would be in the way.
    on("birkeby-db", "sed -i '/^create_main_cluster/d' /etc/postgresql-common/createcluster.conf")
    planned = opsctl("upgrade", "plan", CUSTOMER, "--to-debian", "13", "--output", str(tmp_path), "--json")
    assert planned.code == 0, planned
    (plan,) = planned.envelope["data"]["plans"]
    assert all(one["packages"] > 150 and one["download_mb"] > 100 for one in plan["hosts"])
    boots = [boot_id(name) for name in HOSTS]
    done = applied(opsctl, "--plan", planned.envelope["data"]["files"][0])
    assert done.code == 0, done
    assert any("bookworm-gone is switched off" in line for line in done.envelope["warnings"])
    assert [release(name) for name in HOSTS] == ["13", "13"]
    assert all(boot_id(name) != boot for name, boot in zip(HOSTS, boots, strict=True))
    assert all(on(name, "dpkg --audit; systemctl is-system-running") == "running" for name in HOSTS)
    assert on("birkeby-app", "apt-mark showhold") == "ready-server"
    assert clusters() == [["15", "main", "5432", "online"]]
    assert healthy("birkeby-app") and rows() == before
    second = applied(opsctl, "--to-debian", "13")
    assert (second.code, outcome(second)["status"]) == (0, "unchanged"), second


def _postgresql_that_ready_cannot_work_with_is_taken_back(opsctl: Opsctl, before: str) -> None:
    on("birkeby-app", NOT_ON_17)
    failed = applied(opsctl, "--to-postgresql", "17")
    assert failed.code == 1, failed
    assert "PostgreSQL 17 failed: the upgrade to PostgreSQL 17 was taken back" in outcome(failed)["summary"]
    assert clusters() == [["15", "main", "5432", "online"]]
    assert healthy("birkeby-app") and rows() == before
    again = opsctl("upgrade", "apply", CUSTOMER, "--to-postgresql", "17", "--yes")
    assert again.code == 1 and "not marked resolved" in again.stdout
    on("birkeby-app", "rm /etc/systemd/system/ready-server.service.d/tests.conf; systemctl daemon-reload")
    assert opsctl("resolve", CUSTOMER, "--reason", "READY can work with 17 now").code == 0


def _postgresql(opsctl: Opsctl, workplace: Workplace, before: str) -> None:
    # An index sorted by ICU: the new server brings another version of it, and the index is rebuilt.
    on("birkeby-db", """cd /; setpriv --reuid postgres --regid postgres --init-groups psql -X -q ready <<'END'
CREATE COLLATION danish (provider = icu, locale = 'da-DK');
CREATE TABLE towns (name text COLLATE danish PRIMARY KEY);
INSERT INTO towns VALUES ('Aalund'), ('Birkeby'), ('Ærø');
END""")
    done = applied(opsctl, "--to-postgresql", "17")
    assert done.code == 0, done
    assert "the first backup of PostgreSQL 17 is made" in outcome(done)["summary"]
    assert outcome(done)["data"]["hosts"][0]["mended"] == ["ready: collation public.danish"]
    assert clusters() == [["15", "main", "5433", "down"], ["17", "main", "5432", "online"]]
    assert healthy("birkeby-app") and rows() == before
    newest = workplace.ledger.last(CUSTOMER, "backup.completed")
    assert newest is not None and newest.payload["engine_version"].startswith("17.")
    refused = opsctl("upgrade", "rollback", CUSTOMER, "--yes")
    assert refused.code == 1 and "READY has taken writes since" in refused.stderr + refused.stdout
    clean = opsctl("patch", "plan", CUSTOMER, "--json")
    assert (clean.code, outcome(clean)["status"]) == (0, "unchanged"), clean


def _the_end(opsctl: Opsctl, before: str) -> None:
    done = opsctl("upgrade", "finish", CUSTOMER, "--yes", "--json")
    assert done.code == 0 and "the stopped cluster 15/main on birkeby-db" in outcome(done)["summary"], done
    assert clusters() == [["17", "main", "5432", "online"]]
    assert not [left for name in HOSTS for left in HostFolders(name).snapshots.iterdir()]
    assert outcome(opsctl("upgrade", "finish", CUSTOMER, "--yes", "--json"))["status"] == "unchanged"
    second = applied(opsctl, "--to-postgresql", "17")
    assert (second.code, outcome(second)["status"]) == (0, "unchanged"), second
    assert healthy("birkeby-app") and rows() == before
    changes = opsctl("change", "list", CUSTOMER, "--json").envelope["data"]["changes"]
    assert [(one["system"], one["result"]) for one in changes] == [
        ("birkeby-app, birkeby-db", "taken back, healthy"), ("birkeby-db", "healthy"), ("birkeby-app", "healthy"),
        ("birkeby-db", "taken back, healthy"), ("birkeby-db", "healthy")]
    assert changes[1]["after"] == {"Debian": "13"} and changes[-1]["after"] == {"PostgreSQL": "17"}
    assert ready("birkeby-app", "/health")[1]["version"] == "5.4.0"


def test_a_host_starts_from_its_snapshot_as_it_was(lab: Path) -> None:
    one = host("birkeby-app")
    on(one.name, "echo before > /root/mark; rm -f /root/later")
    boot = boot_id(one.name)
    snapshot.discard(one, "tests")
    snapshot.take(one, "tests")
    assert snapshot.main(["take", "c", one.name, one.address, "tests"]) == 1, "the one that is there stays"
    assert boot_id(one.name) == boot, "it only stands still meanwhile"
    on(one.name, "echo after > /root/mark; touch /root/later; rm /etc/motd; mv /opt /gone")
    snapshot.revert(one, "tests")
    wait(lambda: healthy(one.name), 60, "READY answers")
    assert on(one.name, "cat /root/mark; ls -d /root/later /gone /opt /etc/motd 2>/dev/null || true").splitlines() == [
        "before", "/etc/motd", "/opt"]
    assert boot_id(one.name) != boot
    snapshot.discard(one, "tests")
    snapshot.discard(one, "tests")
    assert snapshot.main(["revert", "c", one.name, one.address, "tests"]) == 1
    assert snapshot.main(["take", "c", one.name, one.address, "../x"]) == 1
    on(one.name, "rm /root/mark")
