"""What the contract makes due over a month rather than on each day, and what it does not cover. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from opsctl.contract.gate import API_ACCESS
from opsctl.contract.services import CELLS, Coverage, Hosting, Service
from opsctl.core.clock import day_bounds, local_day
from opsctl.profiles.licences import by_product, covered_until
from opsctl.profiles.parts import Licence
from opsctl.promises.cadence import GOOD_RUN, cadence, counts
from opsctl.promises.model import Item, Word
from opsctl.promises.view import INSTANT, View, left_on


def platform(view: View) -> Iterator[Item]:
    """P10 by the operator's own cadence, which the sheet leaves open: judged at the end of the last day covered."""
    days = tuple(view.covered(Service.IT_SYSTEM_MAINTENANCE, Hosting.KAMSTRUP))
    if not days:
        return
    what = f"platform up to date, every {view.patch_every_days} days by policy"
    zone = view.profile.zone
    at = min(day_bounds(days[-1], zone)[1], view.now)
    today = local_day(at - INSTANT, zone)
    runs = [entry for entry in view.evidence.of("run.finished") if entry.recorded_at < at
            and entry.payload.get("operation") == "patch apply"]
    ended = [entry for entry in runs if entry.payload.get("status") in GOOD_RUN]
    good = [entry for entry in ended if counts(entry.payload, local_day(entry.recorded_at, zone), today, view.agreed)]
    if not good:
        refused = f"; the last of {len(runs)} runs: {runs[-1].payload.get('summary', '')}" if runs else ""
        run = "patch run of all updates" if ended else "patch run"
        yield Item("P10", what, Word.UNKNOWN, f"no good {run} is recorded{refused}",
                   evidence=tuple(entry.reference for entry in runs[-1:]))
        return
    word, detail = cadence(good[-1].recorded_at, at, view.patch_every_days)
    if word is Word.BROKEN and view.evidence.gap_in(good[-1].recorded_at, at):
        word, detail = Word.UNKNOWN, f"{detail}; entries since then are damaged or gone"
    yield Item("P10", what, word, detail, evidence=(good[-1].reference,))


def licences(view: View) -> Iterator[Item]:
    """P14, P24: no licence used in the product ends without a successor."""
    promise = {Hosting.KAMSTRUP: "P14", Hosting.CUSTOMER: "P24"}[view.terms(view.days[-1]).hosting]
    if view.days[-1] < view.first_contract_day or all(map(view.left, view.days)):
        return
    if not view.profile.licences:
        yield Item(promise, "licences", Word.UNKNOWN, "no third-party licence is listed in the profile")
    for product, own in by_product(view.profile.licences).items():
        yield _licence(view, promise, f"licence {product}", own)


def _licence(view: View, promise: str, what: str, own: Sequence[Licence]) -> Item:
    """Of one product: whether it was without a licence on a day of the month that has begun."""
    last = min(view.days[-1], local_day(view.now, view.profile.zone))
    for day in view.days:
        until = covered_until(own, day)
        if until is not None and until < day <= last and not view.left(day):
            return Item(promise, what, Word.BROKEN, f"ended on {until}", _within(view, until))
    until = covered_until(own, last)
    if until is not None:
        return Item(promise, what, Word.NO_EVENT, f"valid to {until}")
    itself = max((one.valid_to for one in own if one.valid_to), default=last)
    if any(one.valid_to is None for one in own):
        return Item(promise, what, Word.NO_EVENT, "perpetual")
    return Item(promise, what, Word.NO_EVENT, f"valid to {itself}" if itself >= last else
                f"renewed itself on {itself}; the profile does not say until when")


def integration(view: View) -> Iterator[Item]:
    """P18: integration is open to those who bought it; no event is due by the calendar."""
    days = tuple(view.covered(Service.SYSTEM_INTEGRATION, Hosting.KAMSTRUP))
    if days:
        bought = API_ACCESS in view.terms(days[-1]).addons
        yield Item("P18", "integration through Kamstrup API Access", Word.NO_EVENT if bought else Word.NOT_COVERED,
                   "bought; nothing is due by the calendar" if bought else "included on purchase, and not bought")


def not_covered(view: View) -> Iterator[Item]:
    """The rows that the sheet leaves blank, and the days outside the contract: printed, never left out."""
    if view.days[-1] < view.first_contract_day:
        yield Item("P05", "contract", Word.NOT_COVERED, f"no contract before {view.first_contract_day}")
        return
    after = [day for day in view.days if view.left(day)]
    if after:
        yield Item("P05", "contract", Word.NOT_COVERED, left_on(view, after[-1]))
    for service in Service:
        blank = [day for day in view.days if day >= view.first_contract_day and day not in after
                 and CELLS[service, view.terms(day).hosting].coverage is Coverage.NOT_OFFERED]
        if blank:
            cell = CELLS[service, Hosting.CUSTOMER]
            span = "" if len(blank) == len(view.days) else f"{blank[0]} to {blank[-1]}: "
            yield Item(cell.promise, cell.row, Word.NOT_COVERED, f"{span}{cell.instead}")


def _within(view: View, day: date) -> date | None:
    return day if view.days[0] <= day <= view.days[-1] + timedelta(days=1) else None
