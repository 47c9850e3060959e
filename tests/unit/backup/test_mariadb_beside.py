"""A copy beside its original keeps still: what mariadb-dump wrote comes back whole, and no event of it runs."""

from __future__ import annotations

import hashlib
import io
import re
import time
from collections.abc import Iterator

import pytest

from opsctl.adapters.objects.memory import MemoryObjects
from opsctl.backup.engines.contract import Target, Tried
from opsctl.backup.engines.mariadb_beside import Passing, Unreadable
from opsctl.backup.engines.mariadb_dump import MariaDBDump
from opsctl.backup.exchange import Order
from opsctl.backup.manifest import Manifest
from opsctl.backup.naming import Place
from opsctl.backup.stores import StoreGiver
from opsctl.backup.uploads import Sizes, Uploads
from opsctl.core.errors import OperationFailed
from opsctl.profiles.hosted import Database, Engine
from tests.unit.backup.local_host import PLAYBOOKS
from tests.unit.backup.mariadb_here import Server, mariadb_here, run

HEAD = (b"/*!50106 CREATE*/ /*!50117 DEFINER=`root`@`localhost`*/ /*!50106 EVENT `e` ON SCHEDULE EVERY 1 SECOND "
        b"STARTS '2026-11-27 23:01:42' ON COMPLETION NOT PRESERVE ENABLE DO ")
HELD = HEAD.replace(b"ENABLE", b"DISABLE")
ORIGINAL = """create database ready; use ready;
create table hits (n int auto_increment primary key, who text);
create table t (n int, s text);
insert into t values (1, '\\nDELIMITER ;;\\n/*!50106 CREATE EVENT `x` ON SCHEDULE EVERY 1 SECOND ON COMPLETION NOT \
PRESERVE ENABLE DO select 1 */ ;;\\n');
delimiter //
create event plain on schedule every 1 second do insert into ready.hits(who) values (database())//
create event `odd ENABLE DO ``name` on schedule every 1 second starts '2020-01-01' on completion preserve
 comment 'it''s ENABLE \\\\\\' DO' do begin insert into ready.hits(who) values (database()); select ';'; end//
create event `two
lines` on schedule every '1:30' minute_second do insert into ready.hits(who) values (database())//
create definer='we`ird'@'%' event later on schedule at current_timestamp + interval 1 hour do select 1//
create event off on schedule every 1 second disable do insert into ready.hits(who) values (database())//
create event elsewhere on schedule every 1 second disable on slave do insert into ready.hits(who) values (database())//
create procedure p() begin
 set @x = '
/*!50106 CREATE*/ /*!50117 DEFINER=`root`@`localhost`*/ /*!50106 EVENT `e` ON SCHEDULE EVERY 1 SECOND ON COMPLETION \
NOT PRESERVE ENABLE DO select';
 end//
create trigger tr before insert on t for each row set new.n = new.n//
"""
ENABLED = ["later", "odd ENABLE DO `name", "plain", "two\nlines"]


def passed(dump: bytes) -> bytes:
    target = io.BytesIO()
    Passing(io.BytesIO(dump), target).run()
    return target.getvalue()


@pytest.mark.parametrize("head", [
    HEAD, b"/*!50106 CREATE EVENT `a ENABLE` ON SCHEDULE AT '2026-11-28 00:04:54' ON COMPLETION PRESERVE ENABLE DO ",
    b"/*!50106 CREATE DEFINER=`a``b`@`%` EVENT ` ON COMPLETION PRESERVE ENABLE ` ON SCHEDULE EVERY '1:30' HOUR_MINUTE "
    b"ON COMPLETION NOT PRESERVE ENABLE COMMENT 'ENABLE' DO ", HEAD.replace(b"`e`", b"`a\nb\n;;x`")])
def test_an_event_is_held_and_its_body_is_not_touched(head: bytes) -> None:
    body = b"insert into x values (' ON COMPLETION PRESERVE ENABLE ')\n*/ ;;\nDELIMITER ;\nselect 1;\n"
    given = b"-- x\n\nDELIMITER ;;\n/*!50003 SET time_zone = 'SYSTEM' */ ;;\n%s" + body
    wanted = head.rpartition(b"PRESERVE ENABLE ")[0] + b"PRESERVE DISABLE " + head.rpartition(b"PRESERVE ENABLE ")[2]
    assert passed(given % head) == given % wanted


@pytest.mark.parametrize("text", [
    b"INSERT INTO `t` VALUES\n" + HEAD + b"x */ ;;\n;\n",
    b"DELIMITER ;;\nCREATE PROCEDURE p() select '\n" + HEAD + b"' ;;\nDELIMITER ;\n",
    b"DELIMITER ;;;\nCREATE PROCEDURE p() select ';;\nDELIMITER ;;\n" + HEAD + b"' ;;;\nDELIMITER ;\n",
    b"DELIMITER ;;\n" + HEAD.replace(b"ENABLE", b"DISABLE ON SLAVE") + b"x */ ;;\n",
    b"DELIMITER ;;\n" + b"x" * (3 << 20) + HEAD + b";;\n", b"", b"no end of line"])
def test_whatever_is_no_event_that_is_on_passes_as_it_is(text: bytes) -> None:
    assert passed(text) == text


@pytest.mark.parametrize("delimiter", [b";", b";;"])
def test_what_alters_the_original_alters_the_copy(delimiter: bytes) -> None:
    begun = b"UNLOCK TABLES;\n" if delimiter == b";" else b"DELIMITER ;;\n"
    given = begun + b"ALTER DATABASE %sCHARACTER SET latin1 COLLATE latin1_swedish_ci " + delimiter + b"\n"
    assert passed(given % b"`re``ady` ") == given % b""
    inside = b"DELIMITER ;;\nCREATE PROCEDURE p() select '\n%s' ;;\n" % given.splitlines()[1]
    assert passed(inside % b"`ready` ") == inside % b"`ready` "


@pytest.mark.parametrize("text", [HEAD.replace(b"ENABLE", b"SOMETIMES") + b"x */ ;;\n", HEAD[:60],
                                  b"/*!50106 CREATE EVENT `e` DO x */ ;;\n"])
def test_an_event_that_cannot_be_read_ends_the_load(text: bytes) -> None:
    target = io.BytesIO()
    with pytest.raises(Unreadable):
        Passing(io.BytesIO(b"DELIMITER ;;\nselect 1 ;;\n" + text), target).run()
    assert b"EVENT" not in target.getvalue()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with mariadb_here("--event-scheduler=ON") as found:
        found.sql(ORIGINAL)
        yield found


def restored(server: Server, database: str, **facts: str) -> Tried:
    """The original's dump in a new database, as a restore does it. facts: others than the manifest has."""
    engine, store = MariaDBDump(), MemoryObjects()
    target = Target("", 5499, database)
    with server.program() as program:
        found = engine.inspect(program, Database(name="ready", host="here", engine=Engine.MARIADB))
        manifest = Manifest.model_construct(backup_id="x", database="ready", facts={**found.facts, **facts},
                                            engine_version=found.version)
        with Uploads(store, Place("customer", "ready", "20261123T021500Z-ab12cd"), Sizes()) as uploads:
            program.stream(Order("data", engine.source(program, found), by_address=False), uploads).require("stream")
            uploads.complete()
            uploads.publish(b"{}")
        engine.make(program, manifest, target)
        parts = [{"key": key, "offset": 0, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
                 for key, (content, _) in store.objects.items() if key.endswith(".age")]
        order = Order("data", engine.unpack(target, manifest), by_address=False, parts=parts)
        program.receive(order, StoreGiver(store)).require("receive")
        return engine.try_out(program, target, manifest)


def dump_of(server: Server, database: str) -> list[str]:
    """Its dump as one sees it without the names of the database, the time, and the events' states."""
    said = run(["mariadb-dump", "--no-defaults", f"--socket={server.socket}", "--routines", "--events", "--triggers",
                "--skip-comments", f"--ignore-table={database}.hits", database])
    return [line.replace("PRESERVE ENABLE", "PRESERVE DISABLE") if line.startswith("/*!50106 CREATE") or
            line.startswith("lines`") else line for line in said.splitlines()]


@pytest.mark.slow
def test_a_copy_s_events_never_run_beside_the_original(server: Server) -> None:
    tried = restored(server, "copy")
    until = time.monotonic() + 30
    before = len(server.sql("select 1 from ready.hits"))
    while len(server.sql("select 1 from ready.hits")) < before + 3:
        assert time.monotonic() < until, "the original's own events do not run: nothing is shown"
        time.sleep(0.2)
    assert server.sql("select distinct who from ready.hits") == ["ready"]
    assert tried.checks == {"CHECK TABLE": "sound", "events": "disabled in the copy, on in the original: "
                            + ", ".join(ENABLED)}
    assert dump_of(server, "copy") == dump_of(server, "ready"), "everything else is as it was"
    old = restored(server, "copy_of_old", events="")
    assert "off" in old.checks["events"]


@pytest.mark.slow
def test_a_copy_s_character_set_is_not_the_original_s(server: Server) -> None:
    """Routine and trigger were made under another one than the database has now."""
    server.sql("alter database ready character set latin2")
    log = server.folder / "general.log"
    server.sql(f"set global general_log_file = '{log}'; set global general_log = on")
    restored(server, "other_set")
    server.sql("set global general_log = off")
    altered = [line for line in log.read_text().splitlines() if "ALTER DATABASE" in line]
    assert altered and not any("`" in line for line in altered)
    sets = server.sql("select default_character_set_name from information_schema.schemata where schema_name in "
                      "('ready', 'other_set')")
    assert sets == ["latin2", "latin2"]
    made = "select database_collation from information_schema.routines where routine_schema = '{}'"
    assert server.sql(made.format("other_set")) == server.sql(made.format("ready")) != ["latin2_general_ci"]


@pytest.mark.slow
def test_a_copy_with_an_event_that_is_on_is_refused(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("opsctl.backup.engines.mariadb_beside.stage", lambda: ("cat",))
    with pytest.raises(OperationFailed, match="runs beside the original"):
        restored(server, "loud")
    server.sql("drop database loud")


@pytest.mark.slow
def test_the_page_s_way_by_hand_keeps_them_still_too(server: Server) -> None:
    """But for a name of two lines, which `sed` does not see."""
    server.sql("create database plain_names; use plain_names; create table t (n int); "
               "create event one on schedule every 1 hour do select 1; create event two on schedule every 1 hour do "
               "insert into t values (1); alter database plain_names character set latin2")
    dump = run(["mariadb-dump", "--no-defaults", f"--socket={server.socket}", "--routines", "--events", "plain_names"])
    [stage] = re.findall(r"LC_ALL=C sed .*?(?= \|\n)", (PLAYBOOKS.parent / "docs/backup.md").read_text(), re.DOTALL)
    by_hand = run(["sh", "-c", stage], dump)
    assert (by_hand.count("PRESERVE DISABLE"), by_hand.count("ALTER DATABASE CHARACTER SET ")) == (2, 4)
    assert by_hand == passed(dump.encode()).decode()
