"""Until when a product is licensed, by all its licences: what was renewed or followed by another has not ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from opsctl.profiles.parts import Licence


def by_product(licences: Iterable[Licence]) -> Mapping[str, tuple[Licence, ...]]:
    """The licences of each product, both in the order of the profile."""
    found: dict[str, tuple[Licence, ...]] = {}
    for one in licences:
        found[one.product] = (*found.get(one.product, ()), one)
    return found


def covered_until(licences: Sequence[Licence], day: date) -> date | None:
    """The last day on which one product is licensed without a gap, as its licences stand on `day`; before `day` when
    it is not licensed any more, None without an end: perpetual, or the last one renews itself (P14, P24).

    licences: of one product, at least one. Which is named first does not matter.
    """
    begun = [one for one in licences if one.valid_from is None or one.valid_from <= day]
    last = max(begun, key=_end) if begun else min(licences, key=lambda one: (one.valid_from or date.min, _end(one)))
    while last.valid_to is not None:
        after = [one for one in licences if _end(one) > _end(last)
                 and (one.valid_from is None or one.valid_from <= last.valid_to + timedelta(days=1))]
        if not after:
            break
        last = max(after, key=_end)
    renewed = any(one.renewal == "automatic" and one.valid_to == last.valid_to for one in licences)
    return None if renewed else last.valid_to


def ends(licences: Iterable[Licence], day: date) -> Mapping[str, date]:
    """By product the last day of those whose licence ends."""
    found = {product: covered_until(own, day) for product, own in by_product(licences).items()}
    return {product: end for product, end in found.items() if end is not None}


def follower(licence: Licence, licences: Iterable[Licence]) -> Licence | None:
    """The one of the same product and metric that takes its place without a gap; None where there is none."""
    until = licence.valid_to
    if until is None:
        return None
    fitting = [one for one in licences if (one.product, one.metric) == (licence.product, licence.metric)
               and one.valid_from is not None and one.valid_from <= until + timedelta(days=1) and _end(one) > until]
    return max(fitting, key=_end, default=None)


def _end(licence: Licence) -> date:
    return licence.valid_to or date.max
