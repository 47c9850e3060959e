"""READY on a host: its package as apt and dpkg know it, its answers, and the copies of its databases."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess

from ansible.module_utils.opsctl_apt import Failed

PACKAGE = "ready-server"
NAME = re.compile(r"[a-z][a-z0-9_-]*")
"""Statements below are put together with it."""
COPIES = "/var/lib/opsctl/ready-update"
LOCK = "/var/lib/dpkg/lock-frontend"
SHORT_SECONDS = 600
COUNT_SECONDS = 2 * 3600
"""For the rows of one table: a large one is read from end to end."""


def madison(text):
    """The versions that `apt-cache madison` lists, newest first, each once."""
    found = []
    for line in text.splitlines():
        fields = [field.strip() for field in line.split("|")]
        if len(fields) == 3 and fields[1] not in found:
            found.append(fields[1])
    return found


def free_bytes(path):
    """Bytes that an account without privileges may still write below `path`, or below what exists of it."""
    found = os.statvfs(_existing(path))
    return found.f_bavail * found.f_frsize


def volume(path):
    """The device that `path` lies on, or what exists of it."""
    return os.stat(_existing(path)).st_dev


def _existing(path):
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


def system():
    """{name, version} of /etc/os-release."""
    with open("/etc/os-release", encoding="utf-8") as stream:
        values = dict(line.strip().split("=", 1) for line in stream if "=" in line)
    return {"name": values.get("ID", "").strip('"'), "version": values.get("VERSION_ID", "").strip('"')}


def holders():
    """Names of the processes that hold dpkg's lock (the kernel's list of locks names file and process)."""
    if not os.path.exists(LOCK):
        return []
    inode = str(os.stat(LOCK).st_ino)
    found = []
    with open("/proc/locks", encoding="ascii") as stream:
        for line in stream:
            fields = line.split()
            if len(fields) > 5 and fields[5].endswith(f":{inode}") and fields[4] != "-1":
                found.append(_command(fields[4]))
    return sorted(set(found))


def _command(process):
    try:
        with open(f"/proc/{process}/comm", encoding="utf-8") as stream:
            return f"{stream.read().strip()} ({process})"
    except OSError:
        return f"process {process}"


class Postgresql:
    """One PostgreSQL database, by Debian's own tools and as the user postgres."""

    user = "postgres"
    suffix = "dump"

    def __init__(self, name, cluster):
        self.name = name
        version = running_version(run(["pg_lsclusters", "--no-header"]), cluster)
        if not version:
            raise Failed(f"there is no PostgreSQL cluster {cluster}")
        self.cluster = f"{version}/{cluster}"

    def server_version(self):
        """For example 17."""
        return self.cluster.partition("/")[0]

    def size(self):
        """Bytes on disk."""
        return int(self.ask("SELECT pg_database_size(current_database())", self.name))

    def rows(self):
        """Rows by table, counted."""
        tables = self.ask("SELECT format('%I.%I', schemaname, relname) FROM pg_stat_user_tables ORDER BY 1", self.name)
        return {table: int(self.ask(f"SELECT count(*) FROM {table}",  # noqa: S608 - quoted by format
                                    self.name, COUNT_SECONDS))
                for table in tables.splitlines()}

    def count(self, table):
        """Rows of a table, counted; None when the database has none of this name."""
        found = self.ask("SELECT to_regclass('public." + table + "') IS NOT NULL", self.name)
        return int(self.ask(f'SELECT count(*) FROM public."{table}"', self.name)) if found == "t" else None  # noqa: S608

    def ask(self, statement, database="postgres", seconds=SHORT_SECONDS):
        """What a statement answers, unaligned."""
        return run(["runuser", "-u", "postgres", "--", "psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1",
                    "--cluster", self.cluster, "-d", database, "-c", statement], seconds).strip()

    def dump(self):
        """The command that writes the copy to standard output."""
        return ["pg_dump", "--cluster", self.cluster, "--format=custom", "--compress=1", "--create", self.name]

    def restore(self, unit, source, kept):
        """Put the copy in the database's place; the one that is there stays under the name `kept`."""
        aside = f"{self.name}_opsctl_failed"
        known = self.databases()
        if self.name in known and aside not in known:
            self._close(self.name)
            self.ask(f'ALTER DATABASE "{self.name}" RENAME TO "{aside}"')
        elif self.name in known:
            # An earlier way back was broken off after the renaming: what lies there is half a copy.
            self.ask(f'DROP DATABASE "{self.name}" WITH (FORCE)')
        unit.run(["pg_restore", "--cluster", self.cluster, "--create", "--exit-on-error", "--dbname=postgres"],
                 self.user, stdin=source)
        self.ask("ANALYZE", self.name)
        if aside in self.databases():
            self.ask(f'ALTER DATABASE "{aside}" RENAME TO "{kept}"')
            self.ask(f'ALTER DATABASE "{kept}" WITH ALLOW_CONNECTIONS true')

    def databases(self):
        """Names of all databases of the cluster."""
        return self.ask("SELECT datname FROM pg_database").splitlines()

    def drop(self, name):
        """Drop a database for good."""
        self.ask(f'DROP DATABASE "{name}" WITH (FORCE)')

    def folder(self):
        """Where its files lie."""
        return self.ask("SHOW data_directory")

    def _close(self, name):
        self.ask(f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false')
        self.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "  # noqa: S608 - checked by NAME
                 f"WHERE datname = '{name}'")


class Mariadb:
    """One MariaDB database, as root over the socket."""

    user = "root"
    suffix = "sql"

    def __init__(self, name, _cluster):
        self.name = name

    def server_version(self):
        """For example 11.8."""
        return ".".join(self.ask("SELECT VERSION()").split("-")[0].split(".")[:2])

    def size(self):
        """Bytes on disk, as the server reckons."""
        return int(self.ask("SELECT COALESCE(SUM(data_length + index_length), 0) "  # noqa: S608 - checked by NAME
                            "FROM information_schema.tables "
                            f"WHERE table_schema = '{self.name}'").split(".")[0])

    def rows(self):
        """Rows by table, counted."""
        tables = self.ask("SELECT table_name FROM information_schema.tables "  # noqa: S608 - checked by NAME
                          "WHERE table_type = 'BASE TABLE' "
                          f"AND table_schema = '{self.name}' ORDER BY 1")
        return {table: int(self.ask(f"SELECT count(*) FROM `{self.name}`.`{table}`",  # noqa: S608 - of the server
                                    COUNT_SECONDS))
                for table in tables.splitlines()}

    def count(self, table):
        """Rows of a table, counted; None when the database has none of this name."""
        found = self.ask("SELECT count(*) FROM information_schema.tables "  # noqa: S608 - checked by NAME
                         f"WHERE table_schema = '{self.name}' AND table_name = '{table}'")
        return int(self.ask(f"SELECT count(*) FROM `{self.name}`.`{table}`")) if found == "1" else None  # noqa: S608

    def ask(self, statement, seconds=SHORT_SECONDS):
        """What a statement answers, a line per row."""
        return run(["mariadb", "--batch", "--skip-column-names", "-e", statement], seconds).strip()

    def dump(self):
        """The command that writes the copy to standard output."""
        return ["mariadb-dump", "--single-transaction", "--routines", "--events", "--triggers", "--add-drop-database",
                "--databases", self.name]

    def restore(self, unit, source, kept):
        """Put the copy in the database's place; the tables that are there stay in the schema `kept`."""
        within = f"WHERE {{}} = '{self.name}'"
        tables = self.ask("SELECT table_name FROM information_schema.tables "  # noqa: S608 - checked by NAME
                          f"{within.format('table_schema')} AND table_type = 'BASE TABLE'").splitlines()
        if tables:
            # A trigger keeps its table in its schema; the copy has it.
            for trigger in self.ask("SELECT trigger_name FROM information_schema.triggers "  # noqa: S608
                                    f"{within.format('trigger_schema')}").splitlines():
                self.ask(f"DROP TRIGGER `{self.name}`.`{trigger}`")
            self.ask(f"CREATE DATABASE IF NOT EXISTS `{kept}`")
            self.ask("RENAME TABLE " + ", ".join(f"`{self.name}`.`{table}` TO `{kept}`.`{table}`" for table in tables))
        unit.run(["mariadb"], self.user, stdin=source)

    def databases(self):
        """Names of all schemas."""
        return self.ask("SHOW DATABASES").splitlines()

    def drop(self, name):
        """Drop a schema for good."""
        self.ask(f"DROP DATABASE `{name}`")

    def folder(self):
        """Where its files lie."""
        return self.ask("SELECT @@datadir")


def running_version(listed, cluster):
    """The version of a cluster among the lines of pg_lsclusters; "" when there is none.

    After an upgrade the old one is kept beside it, stopped: one that runs goes first, then the newest.
    """
    rows = [line.split() for line in listed.splitlines()]
    found = [(row[3].startswith("online"), int(row[0])) for row in rows if len(row) > 3 and row[1] == cluster]
    return str(max(found)[1]) if found else ""


def kept(database):
    """What ways back left of releases that failed: names of databases, oldest first."""
    return sorted(name for name in database.databases() if re.fullmatch(f"{database.name}_kept_[0-9]{{14}}", name))


class Unit:
    """Long work in a transient unit: stopped by name, bounded in time, never twice at once."""

    def __init__(self, name, seconds):
        self._argv = ["systemd-run", "--quiet", "--pipe", "--wait", "--collect", f"--unit={name}",
                      f"--property=RuntimeMaxSec={seconds}", "--setenv=LC_ALL=C.UTF-8"]

    def run(self, command, user, stdin=None, stdout=None):
        """Run it; Failed with its last words when it did not end with 0."""
        with contextlib.ExitStack() as streams:
            source = streams.enter_context(open(stdin, "rb")) if stdin else subprocess.DEVNULL
            sink = streams.enter_context(open(stdout, "wb")) if stdout else subprocess.DEVNULL
            done = subprocess.run([*self._argv, f"--uid={user}", *command], stdin=source, stdout=sink,
                                  stderr=subprocess.PIPE, check=False)
        if done.returncode:
            raise Failed(f"{command[0]} ended with {done.returncode}: {last_words(done.stderr)}")


def run(command, seconds=SHORT_SECONDS):
    """Standard output of a command that ends within `seconds`; Failed otherwise."""
    try:
        done = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=seconds,
                              cwd="/", env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"})
    except subprocess.SubprocessError as error:
        raise Failed(f"{' '.join(command[:4])} did not end: {str(error)[-200:]}") from None
    if done.returncode:
        raise Failed(f"{' '.join(command[:4])} ended with {done.returncode}: {last_words(done.stderr)}")
    return done.stdout.decode("utf-8", "replace")


def last_words(text):
    """The last lines of what a tool said."""
    lines = [line.strip() for line in text.decode("utf-8", "replace").splitlines() if line.strip()]
    return " ".join(lines[-3:])[:500] or "it said nothing"


def engine(entry):
    """The database of {name, engine, cluster}."""
    if not NAME.fullmatch(entry["name"]):
        raise Failed("the database's name may hold small letters, digits, hyphens and underscores")
    kinds = {"postgresql": Postgresql, "mariadb": Mariadb}
    return kinds[entry["engine"]](entry["name"], entry.get("cluster", "main"))
