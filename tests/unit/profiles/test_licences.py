"""Until when a product is licensed: a licence that was renewed or followed by another has not ended."""

from datetime import UTC, date, datetime
from itertools import permutations

import pytest

from opsctl.profiles.licences import covered_until
from opsctl.profiles.loader import load_profile
from opsctl.profiles.model import terms_at
from opsctl.profiles.parts import Licence
from tests.unit.profiles.conftest import SAMPLES

OCTOBER_15 = date(2026, 10, 15)


def licence(first: date | None, last: date | None, renewal: str = "manual") -> Licence:
    return Licence.model_validate({"product": "Charts", "vendor": "V", "metric": "seats", "quantity": 1,
                                   "held_at": "safe", "valid_from": first, "valid_to": last, "renewal": renewal})


OLD = licence(date(2025, 10, 16), OCTOBER_15)
NEXT = licence(date(2026, 10, 16), date(2027, 10, 15))
LATE = licence(date(2026, 11, 1), date(2027, 10, 15))


@pytest.mark.parametrize(("licences", "day", "until"), [
    ((OLD,), date(2026, 10, 1), OCTOBER_15), ((OLD,), date(2026, 12, 1), OCTOBER_15),
    ((OLD, NEXT), date(2026, 10, 1), date(2027, 10, 15)), ((OLD, NEXT), date(2026, 10, 16), date(2027, 10, 15)),
    ((OLD, LATE), date(2026, 10, 1), OCTOBER_15), ((OLD, LATE), date(2026, 10, 31), OCTOBER_15),
    ((OLD, LATE), date(2026, 11, 1), date(2027, 10, 15)), ((LATE,), date(2026, 10, 1), date(2027, 10, 15)),
    ((OLD, licence(None, None)), date(2026, 12, 1), None),
    ((licence(None, OCTOBER_15, "automatic"),), date(2026, 12, 1), None),
    ((licence(None, OCTOBER_15, "automatic"), NEXT), date(2026, 12, 1), date(2027, 10, 15)),
    ((licence(None, OCTOBER_15, "none"), licence(None, date(2026, 11, 30))), date(2026, 10, 1), date(2026, 11, 30)),
])
def test_the_place_in_the_list_does_not_matter(licences: tuple[Licence, ...], day: date, until: date | None) -> None:
    assert {covered_until(order, day) for order in permutations(licences)} == {until}


@pytest.mark.parametrize("licences", [(OLD, NEXT), (NEXT, OLD)])
def test_the_contract_knows_a_successor_wherever_it_is_named(licences: tuple[Licence, ...]) -> None:
    found = load_profile(SAMPLES, "sample-aalund").model_copy(update={"licences": licences})
    november, later = (datetime(year, 11, 20, tzinfo=UTC) for year in (2026, 2027))
    assert terms_at(found, november).ended_licences(november) == ()
    assert terms_at(found, later).ended_licences(later) == ("Charts",)
