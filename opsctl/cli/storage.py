"""`opsctl storage`: capacity and performance."""

from __future__ import annotations

from opsctl.cli.command import Format, Formatted, Kind, command, group
from opsctl.cli.result import Result, nagios_result, outcomes_result
from opsctl.cli.workplace import All, Customers, select, workplace
from opsctl.contract.services import Service

app = group("Capacity and performance of storage.")


@command(app, "storage", "check", kind=Kind.ACTS, services=(Service.STORAGE_MANAGEMENT,))
def check(customers: Customers = None, everyone: All = False, output: Formatted = Format.TABLE) -> Result:
    """Measure volumes, inodes, databases and latency, and judge them; exit code 8 when a limit is passed."""
    from opsctl.cli.each import for_hosted
    from opsctl.contract.gate import Delivery, Purpose, Request
    from opsctl.storage.service import check as check_storage

    selection = select(customers, everyone)
    with workplace(acts=True) as place:
        outcomes = for_hosted(place, selection, Request(Service.STORAGE_MANAGEMENT, Purpose.PROTECT, Delivery.WORK),
                              lambda profiles: check_storage(place, profiles))
    return nagios_result("STORAGE", outcomes) if output is Format.NAGIOS else outcomes_result(outcomes)
