"""`opsctl notice draft` and `notice check` as they are typed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run

FACTS = """schema_version: 1
id: 2026-12-database
start: 2026-12-04T21:00:00+01:00
end: 2026-12-04T23:00:00+01:00
impact: outage
systems: [READY]
summary:
  en: We update the database server.
  da: Vi opdaterer databaseserveren.
"""


@pytest.fixture
def facts(tmp_path: Path) -> Path:
    path = tmp_path / "facts.yml"
    path.write_text(FACTS, encoding="utf-8")
    return path


def test_all_that_is_due_and_the_second_time_nothing_new(opsctl: Run) -> None:
    first = opsctl("notice", "draft", "--all", "--json")
    rows = first.envelope["data"]["outcomes"]
    drafted = {(row["customer"], row["data"]["kind"]) for row in rows if row["status"] == "done"}
    assert first.code == 0, first
    assert {("sample-dalmose", "major"), ("sample-dalmose", "platform"), ("sample-elmegaard", "major"),
            ("sample-elmegaard", "platform")} <= drafted
    second = opsctl("notice", "draft", "--all", "--json")
    assert {row["status"] for row in second.envelope["data"]["outcomes"]} == {"unchanged"}


@pytest.mark.parametrize(("customer", "service"), [
    ("sample-aalund", "software-update-major"), ("sample-cedervig", "software-update-minor")])
def test_a_hosted_customer_gets_the_message_of_the_work_and_no_refusal_beside_it(customer: str, service: str,
                                                                                 opsctl: Run) -> None:
    for status in ("done", "unchanged"):
        answer = opsctl("notice", "draft", customer, "--json")
        [row] = answer.envelope["data"]["outcomes"]
        assert (answer.code, row["status"], row["service"], row["data"]["kind"]) == (0, status, service, "planned")


def test_a_release_notice_for_a_hosted_customer_is_refused_by_the_row_that_it_is_of(opsctl: Run) -> None:
    answer = opsctl("notice", "draft", "sample-aalund", "--kind", "major", "--json")
    [row] = answer.envelope["data"]["outcomes"]
    assert (answer.code, row["service"], row["exit_code"]) == (4, "software-update-major", 4)
    assert 'row "Software update - major releases"' in row["summary"]


def test_one_kind_alone(opsctl: Run) -> None:
    answer = opsctl("notice", "draft", "sample-elmegaard", "--kind", "platform", "--json")
    [row] = answer.envelope["data"]["outcomes"]
    assert (answer.code, row["data"]["notice"], row["service"]) == (0, "platform.2026-11", "it-system-maintenance")
    none = opsctl("notice", "draft", "sample-elmegaard", "--kind", "withdrawal", "--json")
    [row] = none.envelope["data"]["outcomes"]
    assert (none.code, row["status"], row["summary"]) == (0, "unchanged", "no notice of kind withdrawal is due")


def test_a_maintenance_for_all_goes_to_those_it_concerns(opsctl: Run, facts: Path) -> None:
    answer = opsctl("notice", "draft", "--all", "--kind", "maintenance-planned", "--file", str(facts), "--json")
    rows = {row["customer"]: row for row in answer.envelope["data"]["outcomes"]}
    assert answer.code == 0, answer
    assert {name for name, row in rows.items() if row["status"] == "done"} == {
        "sample-aalund", "sample-birkeby", "sample-cedervig"}
    assert {rows[name]["status"] for name in ("sample-dalmose", "sample-elmegaard")} == {"not covered"}
    assert any("summary.de: is missing" in warning for warning in answer.envelope["warnings"])
    asked = opsctl("notice", "draft", "sample-dalmose", "--kind", "maintenance-planned", "--file", str(facts))
    assert asked.code == 4 and "P50" in asked.stdout


@pytest.mark.parametrize(("words", "message"), [
    (("--file", "FACTS"), "--file needs --kind"),
    (("--kind", "maintenance-planned"), "needs its facts"),
    (("--kind", "maintenance"), "--kind 'maintenance' is no kind of notice"),
    (("--kind", "platform", "--file", "FACTS"), "is drafted from release files and profiles")])
def test_options_that_do_not_fit(opsctl: Run, facts: Path, words: tuple[str, ...], message: str) -> None:
    words = tuple(str(facts) if word == "FACTS" else word for word in words)
    answer = opsctl("notice", "draft", "sample-aalund", *words)
    assert answer.code == 2 and message in answer.stderr and "what to do: " in answer.stderr


def test_a_file_of_facts_that_is_not_there(opsctl: Run, tmp_path: Path) -> None:
    answer = opsctl("notice", "draft", "sample-aalund", "--kind", "planned", "--file", str(tmp_path / "none.yml"))
    assert answer.code == 3 and "none.yml does not exist" in answer.stderr


@pytest.mark.slow
def test_the_check_renders_everything_and_names_what_waits(opsctl: Run) -> None:
    answer = opsctl("notice", "check", "--json")
    rows = {row["customer"]: row for row in answer.envelope["data"]["outcomes"]}
    assert answer.code == 0 and rows["templates"]["summary"].endswith("of 15 kinds rendered")
    assert "is not drafted" in rows["sample-elmegaard"]["summary"]
    assert opsctl("notice", "check", "--format", "nagios").stdout.startswith("NOTICES WARNING - ")
