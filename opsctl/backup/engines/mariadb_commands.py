"""The exact argument lists and statements for MariaDB on Debian; root comes in by its socket."""

from __future__ import annotations

FACTS = """select json_object('version', version(), 'datadir', @@datadir, 'page_size', @@innodb_page_size,
 'undo', @@innodb_undo_directory, 'home', coalesce(@@innodb_data_home_dir, ''),
 'server_uid', coalesce(@@server_uid, ''),
 'size', (select coalesce(sum(data_length + index_length), 0) from information_schema.tables));
"""
# Statements that count, written by the server itself so that it quotes its own names.
COUNTS = """select concat('select ', quote(concat(table_schema, '.', table_name)), ', count(*) from `',
 replace(table_schema, '`', '``'), '`.`', replace(table_name, '`', '``'), '`;') from information_schema.tables
 where table_type = 'BASE TABLE' and table_schema not in ('mysql', 'information_schema', 'performance_schema', 'sys')
 {only} order by 1;
"""
# What a dump of one database needs to know. Only InnoDB can be read without stopping writers.
DATABASE_FACTS = """select json_object('version', version(),
 'present', (select count(*) from information_schema.schemata where schema_name = '{name}'),
 'charset', (select default_character_set_name from information_schema.schemata where schema_name = '{name}'),
 'collation', (select default_collation_name from information_schema.schemata where schema_name = '{name}'),
 'tables', (select count(*) from information_schema.tables where table_schema = '{name}' and table_type = 'BASE TABLE'),
 'others', (select coalesce(group_concat(table_name), '') from information_schema.tables
            where table_schema = '{name}' and table_type = 'BASE TABLE' and engine <> 'InnoDB'),
 'size', (select coalesce(sum(data_length + index_length), 0) from information_schema.tables
          where table_schema = '{name}'),
 'events', (select coalesce(json_arrayagg(event_name), '[]') from information_schema.events
            where event_schema = '{name}' and status = 'ENABLED'));
"""
EVENTS = """select coalesce(json_arrayagg(json_object('name', event_name, 'status', status)), '[]')
 from information_schema.events where event_schema = '{name}';
"""
DATABASES = "select schema_name from information_schema.schemata order by 1;\n"
USERS = ("mariadb-dump", "--no-defaults", "--socket=/run/mysqld/mysqld.sock", "--system=users", "--insert-ignore")


def counts(database: str = "") -> str:
    """COUNTS for all user databases, or for one; its name must be plain letters, digits, dash and underscore."""
    return COUNTS.format(only=f"and table_schema = '{database}'" if database else "")


def dump(database: str) -> tuple[str, ...]:
    """One database as SQL on standard output, from one snapshot, with what belongs to it."""
    return ("mariadb-dump", "--no-defaults", "--socket=/run/mysqld/mysqld.sock", "--single-transaction", "--quick",
            "--routines", "--events", "--triggers", "--hex-blob", "--skip-lock-tables", "--", database)


def client(socket: str = "") -> tuple[str, ...]:
    """The client reading statements from standard input: bare values."""
    return ("mariadb", "--no-defaults", "--batch", "--skip-column-names", "--raw",
            f"--socket={socket or '/run/mysqld/mysqld.sock'}")


def backup(scratch: str) -> tuple[str, ...]:
    """A physical backup as one xbstream on standard output; its own report lands in `scratch`/report."""
    return ("mariadb-backup", "--backup", "--stream=xbstream", f"--target-dir={scratch}/work",
            f"--extra-lsndir={scratch}/report", "--user=root")


def links(directory: str, *act: str) -> tuple[str, ...]:
    """Find the links to tables outside a data directory: of each InnoDB table or partition with DATA DIRECTORY."""
    return ("find", "-L", directory, "-ignore_readdir_race", "-mindepth", "2", "-maxdepth", "2", "-name", "*.isl", *act)


def unpack(directory: str) -> tuple[str, ...]:
    """The stream's files into a directory."""
    return ("mbstream", "-x", "-C", directory)


def prepare(directory: str) -> tuple[str, ...]:
    """Apply the log so that the files are consistent."""
    return ("mariadb-backup", "--prepare", f"--target-dir={directory}")


def server(directory: str, port: int) -> tuple[str, ...]:
    """The server on restored files, with the page and log layout that the backup recorded; no network."""
    return ("/usr/sbin/mariadbd", f"--defaults-file={directory}/backup-my.cnf", f"--datadir={directory}",
            f"--socket={socket(directory)}", f"--pid-file={directory}/opsctl.pid", "--skip-networking",
            f"--port={port}", "--skip-slave-start", "--skip-log-bin", f"--log-error={directory}/opsctl.err")


def socket(directory: str) -> str:
    """The restored server's own socket."""
    return f"{directory}/opsctl.sock"


def check(path: str) -> tuple[str, ...]:
    """CHECK TABLE over everything; lines only for what is not OK."""
    return ("mariadb-check", "--no-defaults", f"--socket={path}", "--all-databases", "--check", "--silent")
