"""Import and export of requests: nothing twice, every bad row by its line, and back again without a difference."""

import json
from pathlib import Path

import pytest

from opsctl.core.errors import UsageError
from opsctl.support import table
from tests.unit.records.conftest import Run

HEAD = "reference,received,level,reporter,subject,started,handler,closed,result\n"
GOOD = ('T-1,2026-11-16T09:00:00+01:00,A,Sample Reporter,Readings stopped,2026-11-16T10:00:00+01:00,Sample Handler,'
        '2026-11-16T12:00:00+01:00,restarted\n'
        'T-2,2026-11-17T09:00:00+01:00,D,Sample Reporter,"=HYPERLINK(""x"")",,,,\n')


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "requests.csv"
    path.write_text(HEAD + GOOD, encoding="utf-8")
    return path


def test_an_import_given_again_adds_only_what_is_new(file: Path, opsctl: Run) -> None:
    first = opsctl("support", "import", "sample-aalund", str(file), "--json")
    assert (first.code, first.data["added"]) == (0, ["sample-aalund-1", "sample-aalund-2"])
    again = opsctl("support", "import", "sample-aalund", str(file), "--json")
    assert (again.code, again.data["added"], again.data["unchanged"]) == (0, [], 2)
    newer = HEAD + GOOD.replace(",,,,\n", ",2026-11-17T10:00:00+01:00,Sample Handler,,\n")
    file.write_text(newer, encoding="utf-8")
    assert opsctl("support", "import", "sample-aalund", str(file), "--json").data["added"] == ["sample-aalund-2"]
    shown = opsctl("support", "show", "sample-aalund-2", "--json").data
    assert (shown["verdict"], shown["handler"]) == ("kept", "Sample Handler")


BAD = """T-3,2026-11-16T09:00:00,A,R,S,,,,
T-4,2026-10-25T02:30:00,A,R,S,,,,
T-5,2098-11-16T09:00:00Z,A,R,S,,,,
T-6,2026-11-16T09:00:00Z,E,R,S,,,,
T-7,2026-11-16T09:00:00Z,A,R,S,2026-11-16T08:00:00Z,H,,
T-8,2026-11-16T09:00:00Z,A,R,S,,,2026-11-16T10:00:00Z,x
T-9,2026-11-16T09:00:00Z,A,R,S,2026-11-16T10:00:00Z,,,
,2026-11-16T09:00:00Z,A,R,S,,,,
T-10,2026-11-16T09:00:00Z,A,,S,,,,
T-1,2026-11-16T09:00:00Z,A,R,S,,,,
T-11,2019-11-16T09:00:00Z,A,R,S,,,,
T-12,2026-11-16T09:00:00Z,A,R,S,2026-11-16T10:00:00Z,H\x07,,
"""
WORDS = ["without a zone", "comes twice", "in the future", "no level 'E'", "before received",
         "without having been started", "handler is empty", "reference must be", "reporter must be",
         "stands on line 2 already", "closing days for 2019", "handler must be"]


def test_every_bad_row_is_told_by_its_line_and_nothing_is_recorded(file: Path, opsctl: Run) -> None:
    file.write_text(HEAD + GOOD + BAD, encoding="utf-8")
    answer = opsctl("support", "import", "sample-aalund", str(file), "--json")
    assert answer.code == 2
    details = json.loads(answer.stdout)["errors"][0]["details"]
    assert [line.partition(":")[0] for line in details] == [f"line {number}" for number in range(4, 16)]
    for line, words in zip(details, WORDS, strict=True):
        assert words in line
    assert opsctl("support", "list", "--closed", "--json").data["total"] == 0


def test_skip_bad_records_the_others_and_says_partly(file: Path, opsctl: Run) -> None:
    file.write_text(HEAD + GOOD + BAD, encoding="utf-8")
    answer = opsctl("support", "import", "sample-aalund", str(file), "--skip-bad", "--json")
    assert (answer.code, len(answer.data["added"]), len(answer.data["bad"])) == (7, 2, 12)


def test_the_same_reference_with_another_receipt_is_refused(file: Path, opsctl: Run) -> None:
    opsctl("support", "import", "sample-aalund", str(file))
    file.write_text(HEAD + GOOD.replace("2026-11-17T09", "2026-11-17T08"), encoding="utf-8")
    answer = opsctl("support", "import", "sample-aalund", str(file))
    assert (answer.code, "line 3: reference 'T-2' is on record as sample-aalund-2 with another received"
            in answer.stderr) == (2, True)


def test_a_dry_run_records_nothing(file: Path, opsctl: Run) -> None:
    answer = opsctl("support", "import", "sample-aalund", str(file), "--dry-run")
    assert (answer.code, "2 rows are good" in answer.stdout) == (0, True)
    assert opsctl("support", "list", "--json").data["total"] == 0


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_what_was_exported_is_imported_as_it_was(kind: str, file: Path, tmp_path: Path, opsctl: Run) -> None:
    opsctl("support", "import", "sample-aalund", str(file))
    out = tmp_path / f"out.{kind}"
    assert opsctl("support", "export", "sample-aalund", "--format", kind, "--output", str(out)).code == 0
    assert out.stat().st_mode & 0o777 == 0o600
    assert opsctl("support", "import", "sample-aalund", str(out), "--json").data["added"] == []
    _disown(out)
    assert opsctl("support", "import", "sample-birkeby", str(out), "--json").data["added"] == [
        "sample-birkeby-1", "sample-birkeby-2"]
    rows = [json.loads(opsctl("support", "export", customer, "--format", "json", "--json").stdout)["data"]["requests"]
            for customer in ("sample-aalund", "sample-birkeby")]
    for ours, theirs in zip(*rows, strict=True):
        assert {name: ours[name] for name in table.COLUMNS} == {name: theirs[name] for name in table.COLUMNS}


def _disown(path: Path) -> None:
    """Take whose requests these are out of an export, as who brings them to another system would."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        rows = [{name: row[name] for name in table.COLUMNS} for row in json.loads(text)]
        path.write_text(json.dumps(rows), encoding="utf-8")
    else:
        path.write_text(table.written(table.COLUMNS, [row.cells for row in table.from_csv(text)]), encoding="utf-8")


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_another_customers_rows_are_refused_and_nothing_is_recorded(kind: str, file: Path, tmp_path: Path,
                                                                    opsctl: Run) -> None:
    opsctl("support", "import", "sample-aalund", str(file))
    out = tmp_path / f"out.{kind}"
    opsctl("support", "export", "sample-aalund", "--format", kind, "--output", str(out))
    answer = opsctl("support", "import", "sample-birkeby", str(out), "--json")
    assert answer.code == 2
    details = json.loads(answer.stdout)["errors"][0]["details"]
    assert len(details) == 2
    assert all("this is a request of sample-aalund, not of sample-birkeby" in line for line in details)
    assert opsctl("support", "list", "sample-birkeby", "--closed", "--json").data["total"] == 0


@pytest.mark.parametrize(("column", "value"), [("id", "sample-aalund-1"), ("customer", "sample-aalund")])
def test_the_id_or_the_customer_alone_says_whose_row_it_is(column: str, value: str, file: Path, opsctl: Run) -> None:
    lines = (HEAD + GOOD).splitlines()
    file.write_text("\n".join([f"{lines[0]},{column}", f"{lines[1]},{value}", f"{lines[2]},"]) + "\n",
                    encoding="utf-8")
    answer = opsctl("support", "import", "sample-birkeby", str(file))
    assert (answer.code, "line 2: this is a request of sample-aalund" in answer.stderr) == (2, True)
    assert opsctl("support", "list", "sample-birkeby", "--closed", "--json").data["total"] == 0
    assert opsctl("support", "import", "sample-aalund", str(file)).code == 0


def test_no_cell_is_a_formula(file: Path, opsctl: Run) -> None:
    opsctl("support", "import", "sample-aalund", str(file))
    assert "\"'=HYPERLINK" in opsctl("support", "export").stdout


@pytest.mark.parametrize(("text", "words"), [
    ("reference,received\nx,y\n", "lacks level, reporter, subject"),
    (HEAD.replace("result", "colour") + GOOD, "unknown colour"),
    (HEAD + "T-1,2026\n", "line 2 has 2 cells"),
    (HEAD + '"T-1\n', "unexpected end of data"),
    ("", "lacks reference"),
])
def test_a_file_that_is_no_table_is_refused_with_the_line(text: str, words: str) -> None:
    with pytest.raises(UsageError) as error:
        table.from_csv(text)
    assert words in error.value.message


@pytest.mark.parametrize(("text", "words"), [
    ("{}", "line 1: this is no list"), ("[1]", "line 1: this is no object"), ('[\n{"a": 1},\n{"b": }]', "line 3: E"),
    ("[\n", "line 2"), ('[{"a": 1} {"a": 2}]', "a comma"), ('[\n{"a": \n}]', "line 3")])
def test_json_that_is_no_list_of_requests_is_refused_with_the_line(text: str, words: str) -> None:
    with pytest.raises(UsageError) as error:
        table.from_json(text)
    assert words in error.value.message


def test_separators_and_line_ends_in_text() -> None:
    rows = table.from_csv('reference;received;level;reporter;subject;text\r\n1;2;A;r;s;"one\r\ntwo; three"\r\n'
                          "2;2;A;r;s;x\r\n")
    assert [(row.line, row.cells["text"]) for row in rows] == [(2, "one\r\ntwo; three"), (4, "x")]
