"""READY releases on real hosts: along a required stop, one taken back, and a control process that dies."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from opsctl.adapters.ansible_process import processes
from opsctl.lab import paths, service
from opsctl.lab.definition import host
from opsctl.runs.workplace import Workplace
from tests.lab.guests import ROOT, on, ready
from tests.lab.surroundings import LAB, Opsctl, set_in

pytestmark = pytest.mark.lab


KEPT = "runuser -u postgres -- psql -AtXqc \"select datname from pg_database where datname like 'ready_kept_%'\""
ASK = {"postgresql": "runuser -u postgres -- psql -AtXq -d {database} -c '{statement}'",
       "mariadb": "mariadb --batch --skip-column-names {database} -e '{statement}'"}


@pytest.fixture
def releases(config: Path, inventories: Path) -> Path:
    """Releases of this test, in which the one that is not healthy is published; nothing is held."""
    folder = config.parent / "releases"
    shutil.copytree(ROOT / "releases", folder)
    bad = yaml.safe_load((folder / "6.0.1.yml").read_text(encoding="utf-8"))
    del bad["withdrawn"]
    (folder / "6.0.1.yml").write_text(yaml.safe_dump({**bad, "status": "published"}), encoding="utf-8")
    for profile in inventories.glob("*/profile.yml"):
        lines = profile.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = (line for line in lines if not line.startswith("hold_releases"))
        profile.write_text("".join("language: en\n" if line.startswith("language:") else line for line in kept),
                           encoding="utf-8")
    text = config.read_text(encoding="utf-8").replace(f"{ROOT}/releases", "releases")
    config.write_text(text, encoding="utf-8")
    set_in(config, policy={"healthy_seconds": 5})
    return folder


@pytest.fixture
def fresh(request: pytest.FixtureRequest, lab: Path) -> Iterator[str]:
    """An application host with its database, as new before and afterwards."""
    names = sorted({request.param, host(request.param).database_host})
    if on(request.param, "dpkg-query -W -f '${Version}' ready-server") != "5.4.0":
        service.reset(ROOT, lambda text: None, names)
    yield request.param
    service.reset(ROOT, lambda text: None, names)


def readings(name: str) -> int:
    token = on(name, "head -n 1 /etc/ready/api-token")
    return int(ready(name, "/api/v1/readings", token=token)[1]["count"])


def told(customer: str, notice: str, opsctl: Opsctl) -> str:
    """The draft's text, which is in the contact's language; here the sample's are set to English."""
    return " ".join(opsctl("notice", "show", customer, notice).stdout.split())


@pytest.mark.parametrize("fresh", ["birkeby-app"], indirect=True)
def test_a_release_that_fails_is_taken_back_and_waits_for_its_cause(fresh: str, releases: Path, opsctl: Opsctl) -> None:
    before = readings(fresh)
    failed = opsctl("release", "install", "sample-birkeby", "--version", "6.0.1", "--yes", "--json")
    assert failed.code == 1, failed
    assert "taken back: READY 5.5.0" in failed.envelope["data"]["outcomes"][0]["summary"]
    assert any("was not told beforehand (P49)" in line for line in failed.envelope["warnings"])
    # The customer's messages are drafted by the run itself: of what was installed, and of what was taken back.
    assert told("sample-birkeby", "done-5.5.0", opsctl).count("READY 5.5.0") > 0
    assert "did not succeed, and we went back to READY 5.5.0" in told("sample-birkeby", "done-6.0.1", opsctl)
    assert ready(fresh, "/health")[1] == {"status": "ok", "version": "5.5.0", "schema": 5}
    assert readings(fresh) == before
    assert on(fresh, "apt-mark showhold") == "ready-server"
    assert on("birkeby-db", "ls /var/lib/opsctl/ready-update") == ""
    # What the failed release left is kept until a release is proven.
    (kept,) = on("birkeby-db", KEPT).splitlines()
    assert f"birkeby-db: the database as READY 6.0.1 left it is kept as {kept}" in failed.stdout
    again = opsctl("release", "install", "sample-birkeby", "--version", "6.0.0", "--yes")
    assert again.code == 1 and "not marked resolved" in again.stdout
    assert opsctl("resolve", "sample-birkeby", "--reason", "the release was bad").code == 0
    done = opsctl("release", "install", "sample-birkeby", "--version", "6.0.0", "--yes", "--json")
    assert done.code == 0, done
    assert ready(fresh, "/health")[1] == {"status": "ok", "version": "6.0.0", "schema": 6}
    assert readings(fresh) == before and on("birkeby-db", KEPT) == ""
    assert "READY 6.0.0 is installed" in told("sample-birkeby", "done-6.0.0", opsctl)
    drafted = opsctl("notice", "draft", "sample-birkeby", "--kind", "done", "--json").envelope["data"]["outcomes"]
    assert {row["status"] for row in drafted} == {"unchanged"}, "each was drafted once"
    second = opsctl("release", "install", "sample-birkeby", "--version", "6.0.0", "--yes", "--json")
    assert [row["status"] for row in second.envelope["data"]["outcomes"]] == ["unchanged"]
    changes = opsctl("change", "list", "sample-birkeby", "--json").envelope["data"]["changes"]
    assert [(one["after"]["READY"], one["result"]) for one in changes] == [
        ("5.5.0", "healthy"), ("5.5.0", "taken back, healthy"), ("6.0.0", "healthy")]
    logged = opsctl("run", "show", changes[1]["run"], "--log")
    assert "READY is not healthy after the installation of 6.0.1" in logged.stdout
    assert "Stop READY" in failed.stderr and "birkeby-db: Stop READY" not in failed.stderr


@pytest.mark.parametrize("fresh", ["cedervig-1"], indirect=True)
def test_a_control_process_that_dies_midway_is_put_right_by_the_next_run(fresh: str, releases: Path, opsctl: Opsctl,
                                                                         workplace: Workplace) -> None:
    before = readings(fresh)
    child = opsctl.start("release", "install", "sample-cedervig", "--version", "5.5.0", "--yes")
    assert child.stderr is not None
    for line in child.stderr:
        if "Stop READY" in line:
            child.send_signal(signal.SIGKILL)
            break
    child.communicate(timeout=60)
    listed = opsctl("run", "list", "sample-cedervig", "--json").envelope["data"]["runs"]
    assert listed[0]["status"] == "not ended"
    for lease in workplace.ledger.leases():
        workplace.ledger.release(lease)
    done = opsctl("release", "install", "sample-cedervig", "--version", "5.5.0", "--yes", "--json")
    assert done.code == 0, done
    assert any("broken off" in warning for warning in done.envelope["warnings"])
    assert ready(fresh, "/health")[1] == {"status": "ok", "version": "5.5.0", "schema": 5}
    assert readings(fresh) == before
    # A playbook that outlived its control process must not work beside the next run.
    assert not [pid for folder in workplace.runs.glob("*-release-install-*/ansible-*") for pid in processes(folder)]


@pytest.mark.parametrize("fresh", ["cedervig-1"], indirect=True)
def test_a_forged_package_or_a_full_disk_is_found_while_ready_runs(fresh: str, releases: Path, opsctl: Opsctl) -> None:
    def refused() -> str:
        running = on(fresh, "systemctl show -P InvocationID ready-server.service")
        answer = opsctl("release", "install", "sample-cedervig", "--version", "5.5.0", "--yes", "--json")
        assert answer.code == 1, answer
        assert on(fresh, "systemctl show -P InvocationID ready-server.service") == running, "it was never stopped"
        assert ready(fresh, "/version")[1]["version"] == "5.4.0"
        assert opsctl("resolve", "sample-cedervig", "--reason", "put right").code == 0
        return answer.stdout

    deb = paths.REPOSITORY / "pool" / "ready" / "ready-server_5.5.0_all.deb"
    sound = deb.read_bytes()
    try:
        deb.write_bytes(sound[:-8] + b"forged!!")
        said = refused()
    finally:
        deb.write_bytes(sound)
    assert "nothing was touched" in said and "Hash Sum mismatch" in said
    on(fresh, "mkdir -p /var/lib/opsctl && mount -t tmpfs -o size=64k none /var/lib/opsctl")
    try:
        assert "free" in refused()
    finally:
        on(fresh, "umount /var/lib/opsctl")
    done = opsctl("release", "install", "sample-cedervig", "--version", "5.5.0", "--yes")
    assert done.code == 0, done
    on(fresh, "apt-get clean")


@pytest.mark.parametrize(("name", "engine"), [("birkeby-db", "postgresql"), ("cedervig-1", "mariadb")])
def test_a_copy_is_put_back_once_and_what_was_written_since_is_kept(name: str, engine: str, lab: Path,
                                                                    workplace: Workplace) -> None:
    """On a table of its own: READY, which goes on meanwhile, does not know it."""
    def ask(statement: str, database: str = "optest") -> str:
        return on(name, ASK[engine].format(database=database, statement=statement))

    def copy(action: str, **more: Any) -> Any:
        binaries = Path(sys.executable).parent
        given = {"name": "optest", "engine": engine, "version": "5.4.0", "action": action, "unit": "opsctl-test-copy",
                 **more}
        done = subprocess.run(
            [str(binaries / "ansible"), name, "-i", str(workplace.customer_folder(host(name).customer) / "hosts.yml"),
             "--private-key", str(LAB / "ssh" / "id_ed25519"), "-b", "-m", "opsctl_ready_copy", "-a",
             json.dumps(given)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
            # Ansible refuses an input that some other program made non-blocking.
            stdin=subprocess.DEVNULL,
            env={"PATH": f"{binaries}:{os.environ['PATH']}", "HOME": str(workplace.runs.parent), "LC_ALL": "C.UTF-8",
                 "ANSIBLE_CONFIG": str(ROOT / "playbooks" / "ansible.cfg")})
        assert " => " in done.stdout, done.stderr
        return json.loads(done.stdout.rpartition(" => ")[2])

    server = "postgres" if engine == "postgresql" else "mysql"
    ask("create database optest", server)
    try:
        ask("create table log (line int primary key)")
        ask("insert into log values (1), (2)")
        assert "there is no copy" in copy("restore")["msg"]
        assert ask("select count(*) from log") == "2", "nothing was touched"
        assert sum(copy("take")["rows"].values()) == 2
        assert "the copy belongs to READY 5.4.0" in copy("restore", version="5.5.0")["msg"]
        ask("insert into log values (3)")
        if engine == "mariadb":
            ask("create trigger t before insert on log for each row set @x = 1")
        back = copy("restore")
        (kept,) = back["kept"]
        assert back["changed"] and ask("select count(*) from log") == "2"
        assert ask("select count(*) from log", kept) == "3", "what was written after the copy"
        ask("insert into log values (4)")
        again = copy("restore")
        assert (again["changed"], again["kept"]) == (False, [kept]) and "put back before" in again["reason"]
        assert ask("select count(*) from log") == "3", "what was written after going back"
        assert copy("forget")["kept"] == [kept], "going back keeps it"
        copy("take")
        gone = copy("forget", kept=True)
        assert gone["kept"] == [] and on(name, "ls /var/lib/opsctl/ready-update") == ""
    finally:
        names = ask("select datname from pg_database" if engine == "postgresql" else "show databases", server)
        for left in [one for one in names.splitlines() if one.startswith("optest")]:
            ask(f"drop database {left}", server)
        on(name, "rm -rf /var/lib/opsctl/ready-update/optest")
