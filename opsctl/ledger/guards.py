"""The triggers by which the database itself refuses to change or delete entries: are they there, and put them back.

They stop mistakes. Whoever may drop them may do anything, so that one is missing is a finding of its own.
"""

from __future__ import annotations

from sqlalchemy import Connection, text

_SQLITE = {f"ledger_entry_no_{action.lower()}":
           f"CREATE TRIGGER ledger_entry_no_{action.lower()} BEFORE {action} ON ledger_entry "
           "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END" for action in ("UPDATE", "DELETE")}
_NAME, _FUNCTION = "ledger_entry_append_only", "ledger_entry_refuse"
_BODY = " BEGIN RAISE EXCEPTION 'the ledger is append-only'; END "
_POSTGRESQL = (f"CREATE OR REPLACE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $${_BODY}$$",
               f"DROP TRIGGER IF EXISTS {_NAME} ON ledger_entry",
               f"CREATE TRIGGER {_NAME} BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry "
               f"FOR EACH STATEMENT EXECUTE FUNCTION {_FUNCTION}()")
# tgtype: 2 before, 8 delete, 16 update, 32 truncate, for each statement. tgenabled: O fires for every ordinary session.
_ASK = text("SELECT t.tgenabled, t.tgtype, p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid "
            "WHERE t.tgrelid = to_regclass('ledger_entry') AND t.tgname = :name")
_ALL = ("O", 58, _BODY)


def missing(connection: Connection) -> list[str]:
    """The guards that are not there as they were made, by name."""
    if connection.dialect.name == "sqlite":
        found = {str(row[0]): str(row[1]) for row in connection.execute(
            text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'ledger_entry'"))}
        return [name for name, made in _SQLITE.items() if found.get(name) != made]
    row = connection.execute(_ASK, {"name": _NAME}).one_or_none()
    seen = None if row is None else (row[0].decode() if isinstance(row[0], bytes) else row[0], row[1], row[2])
    return [] if seen == _ALL else [_NAME]


def restore(connection: Connection) -> list[str]:
    """Make what is missing anew; returns its names."""
    lost = missing(connection)
    if lost and connection.dialect.name != "sqlite":
        for statement in _POSTGRESQL:
            connection.execute(text(statement))
    elif lost:
        for name in lost:
            connection.execute(text(f"DROP TRIGGER IF EXISTS {name}"))
            connection.execute(text(_SQLITE[name]))
    return lost
