"""READY starts only on the rows it had, and the ledger says so before; over what it wrote then nobody goes back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opsctl.core.errors import OperationFailed, OpsctlError
from opsctl.profiles.model import KamstrupProfile
from opsctl.runs.service import Run
from opsctl.upgrades import acting, evidence


class Kept(OperationFailed):
    """READY may have taken writes since it was started, so nothing was reverted: people decide."""


def release(run: Run, profile: KamstrupProfile, start: Mapping[str, Any], rows: acting.Rows) -> None:
    """Start READY on exactly `rows` and prove everything sound. OperationFailed when it is not.

    While READY is stopped the rows are compared, then it is recorded that READY may take writes: in that order, so that
    a difference afterwards is what READY wrote.
    """
    changed = written(rows, acting.stop_ready(run, profile))
    if changed:
        raise OperationFailed("the rows are not those of before, so READY was not started", "see the lines below",
                              (changed,))
    evidence.released(run, start)
    acting.start_ready(run, profile)


def require_unwritten(run: Run, profile: KamstrupProfile, rows: acting.Rows, silent: Mapping[str, str]) -> None:
    """Stop READY, which was released, and count: Kept unless each host answers and the rows are still `rows`.

    Where they are not, READY is started again where it is. silent: why hosts said nothing; then READY is not touched.
    """
    if silent:
        raise _kept(run, tuple(f"{host} could not be read: {why}" for host, why in silent.items()))
    run.say("READY was started since: its rows decide whether it is gone back")
    try:
        changed = written(rows, acting.stop_ready(run, profile))
    except OpsctlError as error:
        changed = "; ".join((f"the rows could not be counted: {error.message}", *error.details))
    if not changed:
        return
    try:
        acting.start_ready(run, profile)
    except OpsctlError as error:
        raise _kept(run, (changed, "READY was started again where it is, but: "
                          + "; ".join((error.message, *error.details)))) from None
    raise _kept(run, (changed, "READY was started again where it is, and is healthy now"))


def _kept(run: Run, lines: tuple[str, ...]) -> Kept:
    return Kept("READY may have taken writes since it was started, so nothing was reverted",
                f"see to what the lines say and make READY healthy where it is, then `opsctl upgrade rollback "
                f"{run.customer}`; what else can be decided: \"When READY was started already\" in docs/upgrades.md",
                lines)


def written(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Tables whose rows differ from what was counted, in words; "" when none does."""
    was, now = _flat(before), _flat(after)
    return "; ".join(f"{key[1]}: {key[2]} had {was.get(key, 'no')} rows and has {now.get(key, 'none')}"
                     for key in sorted({*was, *now}) if was.get(key) != now.get(key))


def _flat(rows: Mapping[str, Any]) -> dict[tuple[str, str, str], int]:
    return {(host, database, table): count for host, databases in rows.items()
            for database, tables in databases.items() for table, count in tables.items()}
