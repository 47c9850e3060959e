"""Generated notices have the shapes of real ones: drafted, approved with a real key, sent to a real relay."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from opsctl.core.clock import SystemClock
from opsctl.lab.history.fleet import fleet
from opsctl.lab.history.whole import told, world
from opsctl.ledger import open_ledger
from opsctl.releases.catalogue import load
from opsctl.support import calendars
from tests.contracts.test_notice_sending import CUSTOMER, NOTICE, Operator, operator
from tests.unit.lab.recorded import differences

__all__ = ["operator"]
ROOT = Path(__file__).resolve().parents[2]


def test_generated_notices_have_the_shapes_of_real_ones(operator: Operator) -> None:
    operator.ready()
    operator("send", CUSTOMER, NOTICE)
    ledger = open_ledger(f"sqlite:///{operator.folder}/ledger.db", SystemClock())
    real = {entry.kind: entry.payload for entry in ledger.entries(CUSTOMER) if entry.kind.startswith("notice.")}
    ledger.close()
    story = world(3, 300, date(2026, 11, 23), load(ROOT / "releases"), calendars.load("dk-public"),
                  datetime(2026, 11, 24, tzinfo=UTC))
    made = {one.kind: one.payload for customer in fleet(12, 3, story.first, story.last) if not customer.hosted
            for one in told(customer, story)[0].entries if one.kind.startswith("notice.")}
    wanted = {"notice.drafted", "notice.approved", "notice.sending", "notice.accepted"}
    assert set(real) >= wanted and set(made) >= wanted
    assert {kind: differences(real[kind], made[kind]) for kind in wanted} == {kind: [] for kind in wanted}
