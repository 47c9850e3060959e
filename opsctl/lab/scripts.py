"""The shell scripts that set a running guest up: packages, database, READY, metering data."""

from __future__ import annotations

from opsctl.lab.definition import GATEWAY, METERS, NETWORK_PREFIX, READINGS_PER_METER, SUITES, HostDefinition
from opsctl.lab.packages import BASE_READY_VERSION, INSTALLED_VERSIONS, READY

_FIRST_METER_DAY = "2024-01-01"

_AS_POSTGRES = "setpriv --reuid postgres --regid postgres --init-groups"
_QUICK_DPKG = "export DPKG_FORCE=unsafe-io DEBIAN_FRONTEND=noninteractive"


def common() -> str:
    """For every host: trust the lab's authority, and install the third-party packages at their first versions."""
    wanted = " ".join(f"{name}={version}" for name, version in INSTALLED_VERSIONS.items())
    return f"""
{_QUICK_DPKG}
update-ca-certificates > /dev/null
apt-get update -q -o APT::Update::Error-Mode=any
apt-get install -q -y --no-install-recommends {wanted}
"""


def database(host: HostDefinition, password: str) -> str:
    """For a database host: the server, the role `ready`, the empty database `ready`."""
    return _postgresql(host, password) if host.engine == "postgresql" else _mariadb(password)


def application() -> str:
    """For an application host: READY, held back from ordinary upgrades."""
    return f"""
{_QUICK_DPKG}
apt-get install -q -y --no-install-recommends {READY}={BASE_READY_VERSION}
apt-mark hold {READY}
"""


def metering_data(host: HostDefinition) -> str:
    """For a database host, after READY made its tables: the same meters and readings in every new lab."""
    if host.engine == "postgresql":
        return f"cd /\n{_AS_POSTGRES} psql -q -v ON_ERROR_STOP=1 ready <<'END'\n{_POSTGRESQL_DATA}\nEND\n"
    return f"mariadb ready <<'END'\n{_MARIADB_DATA}\nEND\n"


def _postgresql(host: HostDefinition, password: str) -> str:
    """`opsctl_backup` replicates for the backup, which runs as the operating system's user postgres."""
    version = SUITES[host.suite].postgresql
    checksums = "--data-checksums" if host.checksums else "--no-data-checksums" if version >= 18 else ""
    network = f"{GATEWAY.rsplit('.', 1)[0]}.0/{NETWORK_PREFIX}"
    return f"""
cd /
pg_createcluster {version} main -- --encoding=UTF8 --locale=C.UTF-8 {checksums} > /dev/null
pg_conftool {version} main set listen_addresses '*'
echo 'local all opsctl_backup peer map=backup' > /tmp/hba
echo 'local replication opsctl_backup peer map=backup' >> /tmp/hba
cat /etc/postgresql/{version}/main/pg_hba.conf >> /tmp/hba
echo 'host ready ready {network} scram-sha-256' >> /tmp/hba
cat /tmp/hba > /etc/postgresql/{version}/main/pg_hba.conf
rm /tmp/hba
echo 'backup postgres opsctl_backup' >> /etc/postgresql/{version}/main/pg_ident.conf
systemctl daemon-reload
systemctl enable --quiet postgresql.service
systemctl start postgresql@{version}-main.service
{_AS_POSTGRES} psql -q -v ON_ERROR_STOP=1 postgres <<'END'
CREATE ROLE opsctl_backup LOGIN REPLICATION;
GRANT pg_read_all_data TO opsctl_backup;
CREATE ROLE ready LOGIN PASSWORD '{password}';
CREATE DATABASE ready OWNER ready;
END
"""


def _mariadb(password: str) -> str:
    return f"""
cat > /etc/mysql/mariadb.conf.d/90-lab.cnf <<'END'
[mariadbd]
bind-address = 0.0.0.0
END
systemctl enable --quiet mariadb.service
systemctl start mariadb.service
mariadb <<'END'
CREATE DATABASE ready CHARACTER SET utf8mb4;
CREATE USER ready@'127.0.0.1' IDENTIFIED BY '{password}';
CREATE USER ready@localhost IDENTIFIED BY '{password}';
GRANT ALL PRIVILEGES ON ready.* TO ready@'127.0.0.1';
GRANT ALL PRIVILEGES ON ready.* TO ready@localhost;
END
"""


_POSTGRESQL_DATA = f"""
INSERT INTO meters (id, serial, medium, installed_on)
SELECT n, 'LAB' || lpad(n::text, 8, '0'), (ARRAY['heat', 'water', 'cooling'])[1 + n % 3], DATE '{_FIRST_METER_DAY}'
FROM generate_series(1, {METERS}) AS n;
INSERT INTO readings (meter_id, read_at, value)
SELECT m, TIMESTAMP '{_FIRST_METER_DAY} 00:00:00' + n * INTERVAL '1 day',
  n * (1 + m % 7) + ((m * 7919 + n * 104729) % 100000) / 1000.0
FROM generate_series(0, {READINGS_PER_METER - 1}) AS n, generate_series(1, {METERS}) AS m;
ANALYZE;
"""  # noqa: S608 - constants of this module only

_MARIADB_DATA = f"""
INSERT INTO meters (id, serial, medium, installed_on)
SELECT seq, concat('LAB', lpad(seq, 8, '0')), elt(1 + seq % 3, 'heat', 'water', 'cooling'), DATE '{_FIRST_METER_DAY}'
FROM seq_1_to_{METERS};
INSERT INTO readings (meter_id, read_at, value)
SELECT m.seq, TIMESTAMP '{_FIRST_METER_DAY} 00:00:00' + INTERVAL n.seq DAY,
  n.seq * (1 + m.seq % 7) + ((m.seq * 7919 + n.seq * 104729) % 100000) / 1000.0
FROM seq_0_to_{READINGS_PER_METER - 1} AS n, seq_1_to_{METERS} AS m;
"""  # noqa: S608
