"""PostgreSQL's clusters on a Debian host: what they hold, what an upgrade of their major version meets."""

from __future__ import annotations

import os

from ansible.module_utils.opsctl_ready import Failed, run

SYSTEM = frozenset({"postgres", "template0", "template1"})
CONNECTABLE = "SELECT datname FROM pg_database WHERE datallowconn ORDER BY 1"
# A collation whose library's version is not the one it was made with: its indexes may be in another order.
STALE_DATABASE = """SELECT 'database ' || datname FROM pg_database WHERE datname = current_database()
AND datcollversion IS DISTINCT FROM pg_database_collation_actual_version(oid) AND datcollversion IS NOT NULL"""
STALE_COLLATION = """SELECT format('collation %I.%I', n.nspname, collname) FROM pg_collation c
JOIN pg_namespace n ON n.oid = collnamespace
WHERE collversion IS NOT NULL AND collversion IS DISTINCT FROM pg_collation_actual_version(c.oid)
AND EXISTS (SELECT 1 FROM pg_depend WHERE refobjid = c.oid AND refclassid = 'pg_collation'::regclass)"""
REFRESH = """SELECT format('ALTER COLLATION %I.%I REFRESH VERSION', n.nspname, collname) FROM pg_collation c
JOIN pg_namespace n ON n.oid = collnamespace
WHERE collversion IS NOT NULL AND collversion IS DISTINCT FROM pg_collation_actual_version(c.oid)"""
QUESTIONS = {
    "slots": "SELECT slot_name FROM pg_replication_slots WHERE NOT temporary ORDER BY 1",
    "tablespaces": "SELECT spcname FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global') ORDER BY 1",
    "prepared": "SELECT gid FROM pg_prepared_xacts ORDER BY 1",
    "receivers": "SELECT application_name FROM pg_stat_replication WHERE application_name <> 'pg_basebackup'",
}


class Cluster:
    """One cluster as pg_lsclusters lists it."""

    def __init__(self, version, name, port, status, data):
        self.version, self.name, self.port, self.data = int(version), name, int(port), data
        self.online = status.split(",")[0] == "online"
        self.standby = "recovery" in status

    @property
    def label(self):
        """VERSION/NAME."""
        return f"{self.version}/{self.name}"

    def ask(self, statement, database="postgres"):
        """The lines that a statement answers."""
        return run(["runuser", "-u", "postgres", "--", "psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1",
                    "--cluster", self.label, "-d", database, "-c", statement]).splitlines()

    def databases(self):
        """The databases that can be connected to."""
        return self.ask(CONNECTABLE)

    def stale(self):
        """What is sorted by a library of another version, as DATABASE: WHAT."""
        return [f"{database}: {line}" for database in self.databases()
                for statement in (STALE_DATABASE, STALE_COLLATION) for line in self.ask(statement, database)]

    def facts(self):
        """What an upgrade has to know of it; numbers and names only."""
        known = {"version": self.version, "cluster": self.name, "port": self.port, "online": self.online,
                 "standby": self.standby, "bytes": _size(self.data)}
        if not self.online:
            return known
        extensions = sorted({line for database in self.databases()
                             for line in self.ask("SELECT extname FROM pg_extension", database)})
        return {**known, **{key: self.ask(statement) for key, statement in QUESTIONS.items()},
                "databases": self.databases(), "extensions": extensions, "stale": self.stale(),
                "clients": int(self.ask("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' "
                                        "AND pid <> pg_backend_pid()")[0])}

    def empty(self):
        """Whether it holds nothing but what initdb made."""
        return self.online and set(self.databases()) <= SYSTEM and not self.ask(
            "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
            "WHERE nspname = 'public' LIMIT 1")


def clusters():
    """All clusters; [] where there is no PostgreSQL of Debian's."""
    if not os.path.exists("/usr/bin/pg_lsclusters"):
        return []
    rows = [line.split() for line in run(["pg_lsclusters", "--no-header"]).splitlines()]
    return [Cluster(row[0], row[1], row[2], row[3], row[5]) for row in rows if len(row) >= 6]


def find(version, name):
    """One cluster; None when there is none."""
    return next((one for one in clusters() if one.version == int(version) and one.name == name), None)


def require(version, name):
    """One cluster; Failed when there is none."""
    found = find(version, name)
    if found is None:
        raise Failed(f"there is no PostgreSQL cluster {version}/{name}")
    return found


def _size(folder):
    total = 0
    for place, _folders, files in os.walk(folder):
        for file in files:
            try:
                total += os.lstat(os.path.join(place, file)).st_size
            except OSError:
                continue  # gone meanwhile
    return total
