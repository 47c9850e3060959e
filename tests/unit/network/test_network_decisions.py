"""Which components are watched, and how each stands: pure decisions."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opsctl.adapters.probes import Probe
from opsctl.ledger.model import Entry
from opsctl.network.decisions import changes, judge, watched, worst
from opsctl.network.history import last_of, past_of
from opsctl.network.model import GRAVITY, Change, Past, Standing, State
from opsctl.profiles.hosted import Component, Thresholds

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
LIMITS = Thresholds()
GOOD = Probe("k", attempts=3, answered=3, round_trip=0.01)
BAD = Probe("k", "port 443 does not answer: timed out", attempts=3)


def component(name: str = "api", **changes: Any) -> Component:
    return Component.model_validate({"name": name, "kind": "service", "address": "192.0.2.1", "port": 443,
                                     "delivered_by": "kamstrup", **changes})


def judged(probe: Probe | None, *past: Past, planned: str = "", one: Component | None = None) -> Standing:
    return judge(one or component(), probe, past, LIMITS, NOW, planned)


def before(*raw: str, minutes: int = 60) -> list[Past]:
    count = len(raw)
    return [Past(NOW - timedelta(minutes=minutes * (count - place)), word, word, {}) for place, word in enumerate(raw)]


def test_only_delivered_components_are_watched_and_the_others_are_named() -> None:
    found, skipped = watched([component(), component("switch", delivered_by="customer"),
                              component("modem", kind="gsm"), component("net", kind="firewall")])
    assert [one.name for one in found] == ["api", "net"]
    assert [name for name, _ in skipped] == ["switch", "modem"]
    assert "P53" in skipped[1][1]


def test_up_and_down() -> None:
    assert (judged(GOOD).state, judged(GOOD).loss_percent) == (State.UP, 0)
    assert (judged(BAD).state, judged(BAD).loss_percent) == (State.DOWN, 100)


def test_what_was_not_probed_is_unknown() -> None:
    assert judged(None).state is State.UNKNOWN
    assert judged(Probe("k", "not probed: ping is not installed here")).state is State.UNKNOWN


def test_one_lost_attempt_is_no_alarm() -> None:
    found = judged(Probe("k", attempts=3, answered=2, round_trip=0.01))
    assert (found.state, found.loss_percent) == (State.WARNING, 33)


def test_what_is_down_for_planned_work_is_shown_as_that() -> None:
    found = judged(BAD, planned="patch is under way: run-1")
    assert found.state is State.PLANNED
    assert "run-1" in found.detail
    assert judged(GOOD, planned="patch is under way: run-1").state is State.UP


@pytest.mark.parametrize(("days", "state"), [(31, State.UP), (29, State.WARNING), (6, State.DOWN), (-1, State.DOWN)])
def test_certificates_by_their_end(days: int, state: State) -> None:
    found = judged(Probe("k", attempts=3, answered=3, expires=NOW + timedelta(days=days, hours=1)))
    assert found.state is state
    assert found.facts["certificate_ends"]


@pytest.mark.parametrize(("clock", "state"), [(29.0, State.UP), (31.0, State.WARNING), (-31.0, State.WARNING)])
def test_clocks_that_are_off(clock: float, state: State) -> None:
    assert judged(Probe("k", attempts=3, answered=3, clock=clock)).state is state


def test_a_name_that_leads_elsewhere() -> None:
    one = component(resolves_to=("192.0.2.1",))
    assert judged(Probe("k", attempts=1, answered=1, addresses=("192.0.2.1",)), one=one).state is State.UP
    assert judged(Probe("k", attempts=1, answered=1, addresses=("192.0.2.9",)), one=one).state is State.WARNING


def test_flapping_is_told_apart_from_down() -> None:
    assert judged(BAD, *before("up", "down", "up")).state is State.FLAPPING
    assert judged(GOOD, *before("down", "up", "down")).state is State.FLAPPING
    assert judged(BAD, *before("up", "up", "up")).state is State.DOWN
    assert judged(GOOD, *before("up", "down", "down", "down")).state is State.UP
    assert judged(BAD, *before("up", "down", "up", minutes=24 * 60)).state is State.DOWN


def test_work_that_was_planned_is_no_flapping() -> None:
    past = [Past(NOW - timedelta(hours=hour), state, raw, {}) for hour, state, raw in (
        (5, "up", "up"), (4, "planned work", "down"), (3, "up", "up"), (2, "planned work", "down"))]
    assert judged(GOOD, *past).state is State.UP


@settings(max_examples=80, deadline=None)
@given(raw=st.lists(st.sampled_from(["up", "down"]), max_size=12), up=st.booleans(), planned=st.booleans())
def test_down_is_never_told_as_up(raw: list[str], up: bool, planned: bool) -> None:
    found = judged(GOOD if up else BAD, *before(*raw), planned="x" if planned else "")
    assert up or found.state is not State.UP
    assert found.raw == ("up" if up else "down")
    assert planned or found.state is not State.PLANNED


def checked(number: int, *components: Standing) -> Entry:
    payload = {"components": [{"name": one.name, "state": one.state.value, "raw": one.raw, "facts": dict(one.facts)}
                              for one in components]}
    return Entry("c", number, "network.checked", NOW, "", "", payload, "", "")


def standing(name: str, state: State = State.UP, **facts: str) -> Standing:
    return Standing(name, "service", "192.0.2.1", state, "up" if state is State.UP else "down", facts=facts)


def test_what_changed_since_last_time() -> None:
    last = last_of([checked(1, standing("a", host_key="1"), standing("b"), standing("gone"))])
    found = set(changes([standing("a", host_key="2"), standing("b", State.DOWN), standing("new")], last))
    assert found == {Change("a", "host_key", "1", "2"), Change("b", "state", "up", "down"),
                     Change("new", "added", "", "192.0.2.1"), Change("gone", "removed", "up", "")}
    assert not list(changes([standing("a")], {}))


def test_facts_that_were_not_read_once_are_compared_with_those_known_last() -> None:
    entries = [checked(1, standing("a", host_key="1")), checked(2, standing("a", State.DOWN))]
    assert past_of(entries)["a"][-1].facts == {"host_key": "1"}
    assert Change("a", "host_key", "1", "2") in set(changes([standing("a", host_key="2")], last_of(entries)))


def test_the_worst_state_speaks() -> None:
    for place, state in enumerate(GRAVITY):
        assert worst([standing("x", later) for later in GRAVITY[place:]]) is state
    assert worst([]) is State.UP
