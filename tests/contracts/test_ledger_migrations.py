"""The schema: migrated from nothing it equals the tables in code, and other revisions are refused."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from opsctl.core.clock import SystemClock
from opsctl.core.errors import ConfigurationError
from opsctl.ledger import open_ledger, upgrade_ledger
from opsctl.ledger.database import Database, parse_url
from opsctl.ledger.migrate import configuration, migrate
from opsctl.ledger.revisions import REVISION_TABLE, REVISIONS
from opsctl.ledger.schema import metadata
from tests.unit.ledger.databases import start_python

OPENER = """
import sys
from opsctl.core.clock import SystemClock
from opsctl.ledger import open_ledger
ledger = open_ledger(sys.argv[1], SystemClock())
assert ("alembic" in sys.modules) == (sys.argv[2] == "creates"), sys.argv[2]
"""


def at_revision(url: str, revision: str) -> None:
    """A ledger as an older opsctl would have left it."""
    parsed = parse_url(url)
    if parsed.drivername == "sqlite":
        Path(parsed.database or "").parent.mkdir()
    database = Database(parsed)
    with database.writing() as connection:
        migrate(connection, revision)
    database.close()


def test_the_migrated_schema_is_the_one_in_code(ledger_url: str) -> None:
    open_ledger(ledger_url, SystemClock()).close()
    with create_engine(ledger_url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": REVISION_TABLE, "compare_type": True})
        assert compare_metadata(context, metadata) == []
        # The comparison must be able to fail.
        connection.execute(text("DROP INDEX ledger_entry_run"))
        connection.execute(text("ALTER TABLE ledger_lease RENAME COLUMN owner TO holder"))
        assert len(compare_metadata(context, metadata)) == 3
        connection.rollback()


def test_the_revisions_in_code_are_those_of_the_migrations(sqlite_url: str) -> None:
    with create_engine("sqlite://").connect() as connection:
        scripts = ScriptDirectory.from_config(configuration(connection))
    assert tuple(script.revision for script in reversed(list(scripts.walk_revisions()))) == REVISIONS


def test_an_older_ledger_is_refused_until_it_is_upgraded(ledger_url: str) -> None:
    at_revision(ledger_url, "0001")
    with pytest.raises(ConfigurationError, match="'0001'") as caught:
        open_ledger(ledger_url, SystemClock())
    assert "opsctl ledger upgrade" in caught.value.resolution
    assert upgrade_ledger(ledger_url) == ("0001", REVISIONS[-1], ())
    assert upgrade_ledger(ledger_url) == (REVISIONS[-1], REVISIONS[-1], ())
    ledger = open_ledger(ledger_url, SystemClock())
    ledger.append("a", "k", {}, actor="me")
    assert ledger.verify().sound


def test_a_newer_ledger_is_refused(ledger_url: str) -> None:
    open_ledger(ledger_url, SystemClock()).close()
    with create_engine(ledger_url).begin() as connection:
        connection.execute(text(f"UPDATE {REVISION_TABLE} SET version_num = '0999'"))  # noqa: S608
    for open_or_upgrade in (lambda: open_ledger(ledger_url, SystemClock()), lambda: upgrade_ledger(ledger_url)):
        with pytest.raises(ConfigurationError, match="'0999'") as caught:
            open_or_upgrade()
        assert "newer opsctl" in caught.value.resolution


def test_there_is_nothing_to_upgrade_where_there_is_no_ledger(ledger_url: str) -> None:
    with pytest.raises(ConfigurationError, match="no ledger"):
        upgrade_ledger(ledger_url)


def test_alembic_is_loaded_only_to_migrate(ledger_url: str) -> None:
    for what in ("creates", "opens"):
        process = start_python(OPENER, ledger_url, what)
        assert process.wait(60) == 0, process.communicate()[1]


def test_importing_the_ledger_loads_no_database_library() -> None:
    process = start_python("import sys, opsctl.ledger; print('sqlalchemy' in sys.modules, 'alembic' in sys.modules)")
    assert process.communicate(timeout=60)[0].split() == ["False", "False"]


def test_a_new_file_is_private_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "100% ledger.db"
    ledger = open_ledger(f"sqlite:///{path}", SystemClock())
    ledger.append("a", "k", {}, actor="me")
    modes = {item.relative_to(tmp_path).as_posix(): stat.S_IMODE(item.stat().st_mode) for item in tmp_path.rglob("*")}
    assert modes == {"a": 0o700, "a/b": 0o700, "a/b/100% ledger.db": 0o600, "a/b/100% ledger.db-wal": 0o600,
                     "a/b/100% ledger.db-shm": 0o600}
    ledger.close()
    assert [item.name for item in path.parent.iterdir()] == [path.name]


def test_sqlite_runs_with_a_log_and_full_synchronisation(sqlite_url: str) -> None:
    open_ledger(sqlite_url, SystemClock()).close()
    with Database(parse_url(sqlite_url)).reading() as connection:
        values = [connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                  for name in ("journal_mode", "synchronous", "busy_timeout", "secure_delete")]
    assert values == ["wal", 2, 60000, 1]


def test_an_empty_file_becomes_a_ledger_and_another_database_does_not(tmp_path: Path) -> None:
    empty, other, text_file = tmp_path / "empty.db", tmp_path / "other.db", tmp_path / "notes.txt"
    empty.touch()
    assert open_ledger(f"sqlite:///{empty}", SystemClock()).verify().findings == ()
    with create_engine(f"sqlite:///{other}").begin() as connection:
        connection.execute(text("CREATE TABLE invoices (id INTEGER)"))
    with pytest.raises(ConfigurationError, match="not a ledger"):
        open_ledger(f"sqlite:///{other}", SystemClock())
    text_file.write_text("not a database at all, but long enough to be read as one" * 40)
    with pytest.raises(ConfigurationError, match="not a database"):
        open_ledger(f"sqlite:///{text_file}", SystemClock())


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///relative.db", "sqlite:///:memory:", "mysql://u:hunter2@h/d",
                                 "postgresql+psycopg2://u:hunter2@h/d", "nonsense hunter2", "",
                                 "postgresql://u:hunter2@/d?host=/nonexistent"])
def test_a_url_that_cannot_be_used_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_ledger(url, SystemClock())
    assert caught.value.resolution and "hunter2" not in f"{caught.value.message} {caught.value.resolution}"


def test_erased_personal_data_is_gone_from_the_files(sqlite_url: str) -> None:
    ledger = open_ledger(sqlite_url, SystemClock())
    reference = ledger.put_personal("aalund", "anna@example.com")
    folder = Path(sqlite_url.removeprefix("sqlite:///")).parent
    assert any(b"anna@example.com" in file.read_bytes() for file in folder.iterdir())
    ledger.erase_personal(reference, "asked for", "me")
    assert not any(b"anna@example.com" in file.read_bytes() for file in folder.iterdir())
    ledger.close()
