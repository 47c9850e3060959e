"""Whether the contract covers what a request is about. Pure.

Everything is logged, at any hour (P34, P35). What the contract does not cover says so with its row: the levels' working
hours are then no promise, and the verdict is `not covered`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from opsctl.contract.gate import API_ACCESS
from opsctl.contract.rasci import ROWS
from opsctl.contract.services import CELLS, PRODUCT, Coverage, Hosting, Service
from opsctl.contract.terms import AgreementState, Terms
from opsctl.core.errors import UsageError

READY = "ready"
OTHERS: Mapping[str, str] = {"meters": "meter-work", "communication": "operating-costs",
                             "third-party": "third-party-permissions"}
"""What is the customer's own, by the RASCI row that says so."""
ABOUT: tuple[str, ...] = (READY, *(service.value for service in Service), *OTHERS)
"""What a request can be about."""
_ROWS = {row.id: row for row in ROWS}


def not_covered(terms: Terms, about: str, at: datetime) -> str:
    """Empty when the contract at `at` covers a request about `about`; otherwise why not, naming promise and row.

    UsageError for a subject that does not exist.
    """
    if about not in ABOUT:
        raise UsageError(f"--about {about!r} is not known", "a request is about " + ", ".join(ABOUT))
    if terms.has_ended(at):
        return f"the customer has left, its last day was {terms.service_ends}"
    state = terms.agreement_state(at)
    if state is not AgreementState.VALID:
        return f"the Software Maintenance Agreement is {state} on the day of receipt (P05, a precondition of support)"
    if about in OTHERS:
        row = _ROWS[OTHERS[about]]
        return f'the customer is accountable and responsible for it ({row.promise}, row "{row.title}")'
    return _cell(terms, Service(about)) if about != READY else ""


def _cell(terms: Terms, service: Service) -> str:
    cell = CELLS[service, terms.hosting]
    host = "Kamstrup" if cell.hosting is Hosting.KAMSTRUP else "the customer"
    named = f'{cell.promise}, row "{cell.row}" of {PRODUCT} hosted by {host}'
    if cell.coverage is Coverage.NOT_OFFERED and (service is Service.SYSTEM_INTEGRATION
                                                  or service.value not in terms.addons):
        return f"not in the contract ({named}, left blank): the customer is responsible"
    if cell.coverage is Coverage.PURCHASE_REQUIRED and API_ACCESS not in terms.addons:
        return f"Kamstrup API Access has not been bought ({named}: purchase required)"
    return ""
