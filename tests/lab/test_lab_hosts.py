"""The guests are what the lab promises: real, closed in, with data, and reachable only with their keys."""

import json
import subprocess
from pathlib import Path

import pytest

from opsctl.lab import paths, rootfs
from opsctl.lab.definition import HOSTS, METERS, READINGS_PER_METER, SUITES, HostDefinition, host
from tests.lab.guests import boot_id, booted_since, customer_of, healthy, on, ready, wait

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("lab")]
APPLICATIONS = [one.name for one in HOSTS if "application" in one.roles]
by_name = pytest.mark.parametrize("one", HOSTS, ids=lambda one: one.name)


@by_name
def test_a_host_is_the_debian_it_should_be_and_nothing_failed(one: HostDefinition) -> None:
    state, name, release = on(one.name, "systemctl is-system-running --wait || true; hostname; "
                                        ". /etc/os-release; echo $VERSION_ID").splitlines()
    assert (state, name, release) == ("running", one.name, str(SUITES[one.suite].debian))


@by_name
def test_only_the_key_of_the_checkout_opens_a_connection(one: HostDefinition, tmp_path: Path) -> None:
    def connect(known_hosts: Path) -> int:
        return subprocess.run(
            ["ssh", "-F", "/dev/null", "-i", str(paths.SSH_IDENTITY), "-oBatchMode=yes", "-oStrictHostKeyChecking=yes",
             f"-oUserKnownHostsFile={known_hosts}", "-oGlobalKnownHostsFile=/dev/null", f"opsctl@{one.address}",
             "true"], capture_output=True, timeout=20, check=False).returncode

    known_hosts = customer_of(one) / "known_hosts"
    assert connect(known_hosts) == 0
    other = next(two for two in HOSTS if two.name != one.name)
    key = rootfs.host_key(paths.HOSTS / other.name / "merged")
    assert key not in rootfs.host_key(paths.HOSTS / one.name / "merged")
    wrong = tmp_path / "known_hosts"
    wrong.write_text(f"{one.address} {key}\n")
    assert connect(wrong) == 255


@by_name
def test_a_host_has_no_way_out_and_only_the_labs_packages(one: HostDefinition) -> None:
    assert on(one.name, "ip route show default") == ""
    assert "unreachable" in on(one.name, "ip route get 192.0.2.1 2>&1 || true")
    assert on(one.name, "cat /etc/apt/sources.list; ls /etc/apt/sources.list.d") == "opsctl-lab.sources"
    on(one.name, "apt-get update -q -o APT::Update::Error-Mode=any")
    held = on(one.name, "apt-mark showhold")
    assert held == ("ready-server" if "application" in one.roles else "")


def test_hosts_have_identities_of_their_own() -> None:
    assert len({on(one.name, "cat /etc/machine-id") for one in HOSTS}) == len(HOSTS)
    assert len({boot_id(one.name) for one in HOSTS}) == len(HOSTS)


@pytest.mark.parametrize("name", ["aalund-1", "birkeby-db"])
def test_postgresql_holds_metering_data_and_lets_the_backup_replicate(name: str) -> None:
    one = host(name)

    def ask(statement: str, role: str = "postgres") -> str:
        return on(name, f"cd /; setpriv --reuid postgres --regid postgres --init-groups "
                        f"psql -U {role} -d ready -Atc \"{statement}\"")

    assert int(ask("SELECT count(*) FROM meters")) == METERS
    assert int(ask("SELECT count(*) FROM readings")) >= METERS * READINGS_PER_METER
    assert ask("SHOW data_checksums") == ("on" if one.checksums else "off")
    assert int(ask("SHOW server_version_num")) // 10000 == SUITES[one.suite].postgresql
    assert ask("SELECT rolreplication FROM pg_roles WHERE rolname = current_user", "opsctl_backup") == "t"
    size = on(name, "cd /; setpriv --reuid postgres --regid postgres --init-groups "
                    "pg_basebackup -U opsctl_backup -Ft -D - -X fetch --no-manifest -c fast | zstd -1 -q | wc -c")
    assert int(size) > 2_000_000


def test_mariadb_holds_the_same_data_for_root_over_the_socket() -> None:
    counts = on("cedervig-1", "mariadb -N ready -e 'SELECT (SELECT count(*) FROM meters), "
                              "(SELECT count(*) FROM readings)'").split()
    assert int(counts[0]) == METERS
    assert int(counts[1]) >= METERS * READINGS_PER_METER
    assert "11.8" in on("cedervig-1", "mariadb -N -e 'SELECT version()'")


@pytest.mark.parametrize("name", APPLICATIONS)
def test_ready_answers_and_writes_for_those_with_a_token(name: str) -> None:
    status, health = ready(name, "/health")
    assert (status, health["status"]) == (200, "ok")
    assert ready(name, "/version")[1]["version"] == health["version"]
    assert ready(name, "/api/v1/meters")[0] == 401
    assert ready(name, "/api/v1/meters", token="guessed")[0] == 401
    token = on(name, "head -n 1 /etc/ready/api-token")
    before = ready(name, "/api/v1/readings", token=token)[1]["count"]
    written = {"meter": 7, "read_at": "2026-01-31T10:00:00", "value": "12.345"}
    assert ready(name, "/api/v1/readings", token=token, body=written)[0] == 201
    assert ready(name, "/api/v1/readings", token=token)[1]["count"] == before + 1
    assert ready(name, "/api/v1/readings", token=token, body={"meter": -1, **{}})[0] == 400


def test_a_token_is_replaced_without_a_gap() -> None:
    name, file = "cedervig-1", "/etc/ready/api-token"
    old = on(name, f"cat {file}")
    try:
        on(name, f"echo new-token >> {file}")
        assert [ready(name, "/api/v1/meters", token=token)[0] for token in (old, "new-token")] == [200, 200]
        on(name, f"echo new-token > {file}; systemctl reload ready-server")
        assert [ready(name, "/api/v1/meters", token=token)[0] for token in (old, "new-token")] == [401, 200]
    finally:
        on(name, f"cat > {file} <<'END'\n{old}\nEND\n")
    assert ready(name, "/api/v1/meters", token=old)[0] == 200


def test_ready_runs_as_its_own_user_without_rights() -> None:
    shown = on("aalund-1", "systemctl show ready-server -p User -p NoNewPrivileges -p ProtectSystem --value")
    assert set(shown.split()) == {"ready", "yes", "strict"}
    assert on("aalund-1", "stat -c '%U:%G %a' /etc/ready/api-token /etc/ready/tls/server.key").splitlines() == \
        ["root:ready 640", "root:ready 640"]


def test_a_reboot_gives_a_new_boot_id_and_keeps_the_disk() -> None:
    name = "birkeby-app"
    before = boot_id(name)
    on(name, "echo kept > /var/tmp/before-reboot; sync; systemd-run --quiet --on-active=0.2 systemctl reboot")
    took = wait(lambda: booted_since(name, before), 40, "a new boot")
    assert took < 30
    assert on(name, "cat /var/tmp/before-reboot; rm /var/tmp/before-reboot") == "kept"
    wait(lambda: healthy(name), 20, "READY healthy after the reboot")


def test_secrets_are_readable_for_root_only() -> None:
    assert paths.STATE.stat().st_mode & 0o777 == 0o700
    for file in (*paths.SECRETS.iterdir(), paths.SSH_IDENTITY, paths.AUTHORITY / "ca.key", paths.SETTINGS):
        assert file.stat().st_mode & 0o077 == 0, file
    known = json.loads(paths.OBJECT_STORE_CREDENTIALS.read_text())
    assert set(known) == {"access_key_id", "secret_access_key"}
