"""What a patch run that died has installed is recorded once, as the host says it is."""

from datetime import UTC, datetime
from typing import Any

from opsctl.fleet.changelog import changes
from opsctl.ledger import Entry
from opsctl.maintenance.evidence import APPLIED, STARTED
from opsctl.maintenance.recovery import settled, unsettled

NOW = datetime(2026, 11, 25, 1, tzinfo=UTC)
BEGUN = {"host": "db1", "plan": "p", "revision": "r", "security_only": False, "packages": {"a": "2", "b": "2"},
         "before": {"a": "1", "b": "1"}}


def entry(kind: str, run: str, host: str = "db1", **payload: Any) -> Entry:
    return Entry("north", 1, kind, NOW, "tests", run, {**BEGUN, "host": host, **payload}, "p" * 64, "h" * 64)


def test_only_a_start_without_a_result_is_unsettled() -> None:
    entries = [entry(STARTED, "r1"), entry(APPLIED, "r1"), entry(STARTED, "r2"), entry(STARTED, "r2", "app1"),
               entry(APPLIED, "r3", "app1"), entry(STARTED, "mine", "x1")]
    assert {host: one.run for host, one in unsettled(entries, "mine").items()} == {"db1": "r2"}


def test_everything_installed_is_patched_and_a_part_is_not() -> None:
    whole = settled(BEGUN, "r2", {"a": "2", "b": "2"})
    part = settled(BEGUN, "r2", {"a": "2", "b": "1"})
    assert (whole["result"], part["result"]) == ("patched", "failed")
    (change,) = changes([Entry("north", 2, APPLIED, NOW, "tests", "r3", part, "p" * 64, "h" * 64)])
    assert (change.before, change.after) == ({"a": "1"}, {"a": "2"}), "the log has exactly what changed"
    assert "r2 died" in change.description


def test_a_package_that_is_half_installed_has_no_version() -> None:
    assert settled(BEGUN, "r2", {"a": "2"})["after"] == {"a": "2", "b": ""}
