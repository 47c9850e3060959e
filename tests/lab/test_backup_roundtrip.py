# ruff: noqa: S608 (statements of the tests on their own tables)
"""Take, list, verify and restore on all three engines and both kinds of store, while rows are being committed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from opsctl.backup.days import DayVerdict
from opsctl.backup.engines.mariadb import MariaDB
from opsctl.backup.engines.postgresql import PostgreSQL
from opsctl.backup.listing import listing
from opsctl.backup.rehearse import rehearse
from opsctl.backup.restore import restore
from opsctl.backup.running import run_backup
from opsctl.backup.uploads import Sizes
from opsctl.backup.verify import verify
from opsctl.core.errors import OperationFailed
from opsctl.core.outcome import Status
from opsctl.profiles.hosted import Method
from opsctl.runs.workplace import Workplace
from tests.lab.backup_support import DATABASE_HOSTS, free_port, identity, new_directory, query, shell_on, writer
from tests.lab.surroundings import hosted
from tests.unit.lab.recorded import differences
from tests.unit.lab.test_history_shapes import generated

__all__ = ["generated"]
pytestmark = pytest.mark.lab


@pytest.mark.parametrize("customer", DATABASE_HOSTS)
def test_every_row_committed_before_the_start_comes_back_without_a_gap(workplace: Workplace, lab: Path,
                                                                        customer: str) -> None:
    profile, host = hosted(workplace, customer), DATABASE_HOSTS[customer]
    engine = profile.databases[0].engine
    port = free_port()
    with shell_on(workplace, profile, host) as shell:
        with writer(shell, engine) as table:
            before = int(query(shell, engine, f"select max(n) from {table};"))
            # Several volumes, put to addresses that live for a minute.
            taken = run_backup(workplace, profile, sizes=Sizes(part_bytes=5 << 20, parts_per_volume=1,
                                                               address_seconds=60))
            after = int(query(shell, engine, f"select max(n) from {table};"))
        assert taken.status is Status.DONE, taken
        assert after > before
        [made] = taken.data["backups"]
        assert made["objects"] > 2

        shown = listing(workplace, profile)
        assert [backup.place.backup_id for backup in shown.catalog.backups] == [made["backup_id"]]
        assert shown.catalog.backups[0].good
        assert (shown.days[0].verdict, shown.catalog.leftovers) == (DayVerdict.KEPT, ())
        assert verify(workplace, profile, made["backup_id"]).status is Status.DONE

        with new_directory(shell, port) as directory:
            dry = restore(workplace, profile, made["backup_id"], host=host, directory=directory, port=port,
                          identity=identity(lab, customer), dry_run=True)
            assert dry.status is Status.UNCHANGED
            assert shell.run(["test", "-e", directory], sudo=True).exit_code == 1
            back = restore(workplace, profile, made["backup_id"], host=host, directory=directory, port=port,
                           identity=identity(lab, customer), leave_running=True)
            assert back.status is Status.DONE, back
            there = query(shell, engine, f"select count(*), max(n), min(n) from {table};", port=port,
                          directory=directory).replace("\t", "|")
            count, last, first = (int(number) for number in there.split("|"))
            assert (count, first) == (last, 1), "a gap"
            assert before <= last <= after
            readings = {name: rows for name, rows in back.data["rows"].items() if name.endswith("readings")}
            assert list(readings.values()) == [int(query(shell, engine, "select count(*) from readings;"))]
            assert shell.run(["test", "-s", f"{directory}.configuration"], sudo=True).exit_code == 0
            assert shell.run(["systemctl", "is-active", back.data["unit"]], sudo=True).exit_code == 0


@pytest.mark.parametrize("customer", ["sample-aalund", "sample-cedervig"])
def test_either_key_restores_and_the_server_is_stopped_again(workplace: Workplace, lab: Path, customer: str) -> None:
    """A lost offline key costs nothing while the online one is there, and the other way round."""
    profile, host = hosted(workplace, customer), DATABASE_HOSTS[customer]
    backup_id = run_backup(workplace, profile).data["backups"][0]["backup_id"]
    for which in ("online", "offline"):
        port = free_port()
        with shell_on(workplace, profile, host) as shell, new_directory(shell, port) as directory:
            back = restore(workplace, profile, backup_id, host=host, directory=directory, port=port,
                           identity=identity(lab, customer, which))
            assert back.status is Status.DONE, back
            assert "sound" in back.data["checks"].values()
            assert shell.run(["systemctl", "is-active", f"opsctl-restored-{port}"]).exit_code != 0
            units = shell.run(["systemctl", "list-units", "--all", "--no-legend", f"opsctl-*{port}*"]).text()
            assert units == ""


@pytest.mark.parametrize("customer", ["sample-aalund", "sample-cedervig"])
def test_a_restore_whose_trial_fails_leaves_no_server_and_no_files(workplace: Workplace, lab: Path, customer: str,
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    profile, host, port = hosted(workplace, customer), DATABASE_HOSTS[customer], free_port()
    backup_id = run_backup(workplace, profile).data["backups"][0]["backup_id"]
    given = {"host": host, "port": port, "identity": identity(lab, customer), "leave_running": True}
    active = ["systemctl", "is-active", f"opsctl-restored-{port}"]

    def failing(self: Any, program: Any, target: Any, manifest: Any) -> Any:
        raise OperationFailed("found damage")

    with shell_on(workplace, profile, host) as shell, new_directory(shell, port) as one:
        with monkeypatch.context() as patched:
            patched.setattr(PostgreSQL if customer == "sample-aalund" else MariaDB, "try_out", failing)
            back = restore(workplace, profile, backup_id, directory=one, **given)
        assert (back.status, back.summary) == (Status.FAILED, "found damage")
        assert shell.run(active).exit_code != 0
        assert shell.run(["find", one, f"{one}.configuration", "-mindepth", "1"], sudo=True).text() == ""
        assert shell.run(["pgrep", "-f", f"[/]{one[1:]}"], sudo=True).exit_code == 1, "and not this question itself"
        assert restore(workplace, profile, backup_id, directory=one, **given).status is Status.DONE
        # Another one on that port fails, and does not end the server that has it.
        with new_directory(shell, 1) as two:
            assert restore(workplace, profile, backup_id, directory=two, **given).status is Status.FAILED
            assert shell.run(["find", two, "-mindepth", "1"], sudo=True).text() == ""
        assert shell.run(active).exit_code == 0


def test_the_evidence_says_what_was_done(workplace: Workplace, lab: Path) -> None:
    profile = hosted(workplace, "sample-birkeby")
    [made] = run_backup(workplace, profile).data["backups"]
    entry = workplace.ledger.last(profile.customer, "backup.completed")
    assert entry is not None
    assert entry.payload["manifest_sha256"] == made["manifest_sha256"]
    assert {"database", "backup_id", "bytes", "started", "finished", "day", "engine"} <= entry.payload.keys()
    assert entry.run == next(workplace.ledger.entries(chain=profile.customer, kinds=["run.started"])).run
    assert workplace.ledger.verify(profile.customer).findings == ()


@pytest.mark.parametrize(("customer", "method"), [("sample-aalund", Method.PHYSICAL),
                                                  ("sample-cedervig", Method.LOGICAL)])
def test_a_rehearsal_is_timed_and_leaves_nothing(workplace: Workplace, lab: Path, customer: str, method: Method,
                                                 generated: Mapping[str, Mapping[str, Any]]) -> None:
    profile = hosted(workplace, customer)
    [database] = profile.databases
    profile = profile.model_copy(update={"databases": (database.model_copy(update={"method": method}),)})
    assert run_backup(workplace, profile).status is Status.DONE
    assert "ever" in listing(workplace, profile).rehearsal
    # What one that died left behind.
    with shell_on(workplace, profile, DATABASE_HOSTS[customer]) as shell:
        assert shell.run(["mkdir", "/var/lib/opsctl-rehearsal_0123abcd"], sudo=True).exit_code == 0
        if method is Method.LOGICAL:
            query(shell, database.engine, "create database rehearsal_0123abcd;")
    wrong = rehearse(workplace, profile, identity=identity(lab, "sample-birkeby"))
    assert (wrong.status, "no identity matched" in wrong.summary) == (Status.FAILED, True)
    assert "failed" in listing(workplace, profile).rehearsal
    cleared = workplace.ledger.last(customer, "backup.rehearsal-cleared")
    assert cleared is not None
    assert (len(cleared.payload["removed"]), cleared.payload["left"]) == (1 + (method is Method.LOGICAL), {})
    done = rehearse(workplace, profile, identity=identity(lab, customer))
    assert done.status is Status.DONE, done
    entry = workplace.ledger.last(customer, "backup.rehearsed")
    assert entry is not None
    assert entry.payload["seconds"].keys() == {"download", "prepare", "trial"}
    assert sum(entry.payload["rows"].values()) > 0
    assert differences(entry.payload, generated["backup.rehearsed"]) == [], "generated history has the same shape"
    assert listing(workplace, profile).rehearsal == ""
    with shell_on(workplace, profile, DATABASE_HOSTS[customer]) as shell:
        assert "rehearsal" not in shell.run(["ls", "/var/lib"]).text()
        if method is Method.LOGICAL:
            assert "rehearsal" not in query(shell, database.engine, "show databases;")
