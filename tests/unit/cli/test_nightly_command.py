"""`opsctl nightly` as one uses it, where the records of one customer are damaged."""

from pathlib import Path
from xml.etree import ElementTree

from sqlalchemy import create_engine

from opsctl.core.clock import SystemClock
from opsctl.ledger import open_ledger
from tests.unit.cli.conftest import Run


def test_damaged_records_of_one_customer_leave_the_night_its_table_and_its_file(opsctl: Run, tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", SystemClock())
    ledger.append("sample-dalmose", "agreement.added", {"reference": "A-1"}, actor="tests")
    ledger.close()
    with create_engine(f"sqlite:///{tmp_path}/ledger.db").begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER ledger_entry_no_update")
        connection.exec_driver_sql("UPDATE ledger_entry SET payload = '{broken' WHERE chain = 'sample-dalmose'")
    answer = opsctl("nightly", "sample-dalmose", "sample-elmegaard", "--junit", str(tmp_path / "night.xml"))
    assert answer.code == 9, answer
    assert "sample-elmegaard" in answer.stdout and "sample-dalmose" in answer.stdout
    suite = ElementTree.parse(tmp_path / "night.xml")  # noqa: S314 - our own file
    names = {case.get("classname") or case.get("name") for case in suite.iter()}
    assert {"sample-dalmose", "sample-elmegaard"} <= {str(name).split()[0].split(".")[0] for name in names}
