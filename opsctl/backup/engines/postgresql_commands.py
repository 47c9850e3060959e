"""The exact argument lists and statements for PostgreSQL on Debian."""

from __future__ import annotations

from collections.abc import Mapping

SOCKETS = "/var/run/postgresql"

# One round trip for the whole preflight. Sizes in bytes.
FACTS = """select json_build_object(
 'version', current_setting('server_version'), 'number', current_setting('server_version_num')::int,
 'data_directory', current_setting('data_directory'), 'config_file', current_setting('config_file'),
 'system_identifier', (select system_identifier::text from pg_control_system()),
 'wal_level', current_setting('wal_level'),
 'senders_free', current_setting('max_wal_senders')::int - (select count(*) from pg_stat_replication),
 'slots_free', current_setting('max_replication_slots')::int - (select count(*) from pg_replication_slots),
 'may_replicate', (select rolsuper or rolreplication from pg_roles where rolname = current_user),
 'tablespaces', (select coalesce(json_agg(spcname), '[]') from pg_tablespace
                 where spcname not in ('pg_default', 'pg_global')),
 'checksums', current_setting('data_checksums'), 'in_recovery', pg_is_in_recovery(),
 'size', (select sum(pg_database_size(oid))::bigint from pg_database));
"""
# Exact counts, every user table of the database the session is in; temporary ones are another session's.
ROWS = """select n.nspname || '.' || c.relname, (xpath('/row/c/text()', query_to_xml(
 format('select count(*) as c from %I.%I', n.nspname, c.relname), false, true, '')))[1]::text
 from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname not in ('pg_catalog', 'information_schema') order by 1;
"""
RECOVERED = """select json_build_object('version', current_setting('server_version'),
 'lsn', pg_current_wal_lsn()::text, 'in_recovery', pg_is_in_recovery(),
 'system_identifier', (select system_identifier::text from pg_control_system()));
"""
# Reserves write-ahead log at once, for as long as its session lives; `-X fetch` loses it under load otherwise.
HOLD_SLOT = "select 'held' from pg_create_physical_replication_slot(:'slot', true, true);\n"
DATABASES = "select datname from pg_database where datallowconn and not datistemplate order by 1;\n"


def program(version: str, name: str) -> str:
    """Debian keeps the server's tools of each major version out of PATH."""
    return f"/usr/lib/postgresql/{version}/bin/{name}"


def psql(major: str, port: str, database: str = "postgres") -> tuple[str, ...]:
    """psql reading statements from standard input: bare values, first error ends it."""
    return (program(major, "psql"), "-X", "-A", "-t", "-q", "-F", "\t", "-v", "ON_ERROR_STOP=1",
            "-h", SOCKETS, "-p", port, "-d", database)


def hold_slot(major: str, port: str, slot: str) -> tuple[str, ...]:
    """A session for HOLD_SLOT."""
    return (*psql(major, port), "-v", f"slot={slot}")


def replication_psql(major: str, port: str) -> tuple[str, ...]:
    """A replication connection, as pg_basebackup will make it."""
    return (program(major, "psql"), "-X", "-A", "-t", "-q", "-w",
            f"host={SOCKETS} port={port} dbname=postgres replication=true")


def base_backup(settings: Mapping[str, str]) -> tuple[str, ...]:
    """A base backup as one tar on standard output. Compression on the server needs --no-manifest and version 15."""
    squeeze = ("--compress=server-zstd:level=1,workers=2",) if int(settings["major"]) >= 15 else ()
    return (program(settings["major"], "pg_basebackup"), "-h", SOCKETS, "-p", settings["port"], "-w", "-Ft", "-D", "-",
            "-X", "fetch", "--no-manifest", "-c", "fast", "-v", *squeeze)


def server(major: str, directory: str, configuration: str, port: int) -> tuple[str, ...]:
    """The server on restored files: no network, no archiving, nothing of the original's that it could touch.

    Preloaded libraries stay, for tables may need theirs (timescaledb); but without places for workers no scheduler
    of theirs runs, and so no job of the copy (pg_cron, pg_partman, pg_squeeze, timescaledb), and no subscription.
    """
    own = {"config_file": f"{configuration}/postgresql.conf", "hba_file": f"{configuration}/pg_hba.conf",
           "ident_file": f"{configuration}/pg_ident.conf", "data_directory": directory, "port": str(port),
           "external_pid_file": f"{directory}/opsctl.pid", "listen_addresses": "", "unix_socket_directories": SOCKETS,
           "archive_mode": "off", "ssl": "off", "logging_collector": "off", "primary_conninfo": "",
           # Small: the real server's memory is spoken for when both run on one host.
           "shared_buffers": "128MB", "huge_pages": "try",
           # A commit would wait for standbys that are the original's.
           "synchronous_standby_names": "", "max_worker_processes": "0",
           "max_logical_replication_workers": "0", "cluster_name": f"restored-{port}"}
    if int(major) < 15:
        own["stats_temp_directory"] = "pg_stat_tmp"  # Debian's configuration names one of the running server's.
    if int(major) >= 17:
        own["event_triggers"] = "off"  # One on login would run at the first question.
    return (program(major, "postgres"), "-D", directory,
            *(word for name, value in own.items() for word in ("-c", f"{name}={value}")))


def amcheck(major: str, port: int) -> tuple[str, ...]:
    """Every table and index of every database; unique constraints from version 17 on."""
    unique = ("--checkunique",) if int(major) >= 17 else ()
    return (program(major, "pg_amcheck"), "-h", SOCKETS, "-p", str(port), "--all", "--heapallindexed",
            "--install-missing", *unique)


# What a dump of one database needs to know. `roles`: those that own something in it or hold a right.
DATABASE_FACTS = """select json_build_object(
 'version', current_setting('server_version'), 'may_read', (select rolsuper from pg_roles where rolname = current_user),
 'encoding', pg_encoding_to_char(d.encoding), 'collate', d.datcollate, 'ctype', d.datctype,
 'size', pg_database_size(d.oid),
 'roles', (select coalesce(json_agg(distinct r.rolname), '[]') from pg_shdepend s
           join pg_roles r on s.refclassid = 'pg_authid'::regclass and s.refobjid = r.oid
           where s.dbid = d.oid or (s.classid = 'pg_database'::regclass and s.objid = d.oid)))
 from pg_database d where d.datname = current_database();
"""
# The session's snapshot is what pg_dump reads; the counts run beside it in the same snapshot.
SNAPSHOT = "begin transaction isolation level repeatable read, read only;\nselect pg_export_snapshot();\n\\echo held\n"
# One new role that cannot log in for each that is missing: nothing of an existing role is touched.
MISSING_ROLES = """select wanted from json_array_elements_text(:'roles') as wanted
 where not exists (select from pg_roles where rolname = wanted) order by 1;
"""
MAKE_ROLE = """select format('create role %I nologin', :'role') \\gexec
"""
MAKE_DATABASE = """select format('create database %I template template0 encoding %L lc_collate %L lc_ctype %L',
 :'target', :'encoding', :'collate', :'ctype') \\gexec
"""
PRESENT = "select count(*) from pg_database where datname = :'target';\n"


def dump(settings: Mapping[str, str], database: str) -> tuple[str, ...]:
    """One database in custom format, uncompressed, of the snapshot held."""
    return (program(settings["major"], "pg_dump"), "-h", SOCKETS, "-p", settings["port"], "-w", "--format=custom",
            "--compress=0", f"--snapshot={settings['snapshot']}", "--dbname", database)


def dump_roles(settings: Mapping[str, str]) -> tuple[str, ...]:
    """The cluster's roles as SQL."""
    return (program(settings["major"], "pg_dumpall"), "-h", SOCKETS, "-p", settings["port"], "-w", "--roles-only")


def load(settings: Mapping[str, str], database: str) -> tuple[str, ...]:
    """A custom-format dump from standard input into an empty database; the first error ends it."""
    return (program(settings["major"], "pg_restore"), "-h", SOCKETS, "-p", settings["port"], "-w", "--exit-on-error",
            "--dbname", database)


def drop(settings: Mapping[str, str], database: str) -> tuple[str, ...]:
    """Remove a database that a failed restore made, as root, whoever is connected to it (from version 13 on)."""
    force = ("--force",) if int(settings["major"]) >= 13 else ()
    return ("runuser", "-u", "postgres", "--", program(settings["major"], "dropdb"), "-h", SOCKETS,
            "-p", settings["port"], "--if-exists", *force, "--", database)
