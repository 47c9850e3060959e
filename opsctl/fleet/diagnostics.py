"""What the hosts say of READY, for diagnostics (P36): one survey that changes nothing, where Kamstrup hosts."""

from __future__ import annotations

from typing import Any

from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Service
from opsctl.core.errors import OpsctlError
from opsctl.installs.looking import look
from opsctl.profiles.model import KamstrupProfile, Profile
from opsctl.runs.service import gate
from opsctl.runs.workplace import Workplace

REQUEST = Request(Service.IT_SYSTEM_MAINTENANCE, Purpose.PROTECT, Delivery.WORK)


def read_hosts(place: Workplace, profile: Profile) -> dict[str, Any]:
    """By host what it said, or why it said nothing; `not_read` where none was asked. A host that is down stops nothing:
    then diagnostics are wanted most."""
    if not isinstance(profile, KamstrupProfile):
        return {"not_read": "the customer runs the hosts"}
    try:
        gate(profile, REQUEST, place.clock.now(), place.ledger).require(profile.customer)
        facts, silent = look(place, [profile])[profile.customer]
    except OpsctlError as error:
        return {"not_read": error.message, "details": list(error.details)}
    return {**facts, **{name: {"message": why} for name, why in silent.items()}}
