"""Semantic Versioning 2.0.0: form, order, steps, ranges."""

from __future__ import annotations

import pytest

from opsctl.releases.version import Step, Version, VersionRange

# Section 11 of the specification, in its own order.
ORDER = ("1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
         "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0")


def test_order_of_the_specification() -> None:
    parsed = [Version.parse(text) for text in ORDER]
    shuffled = parsed[1::2] + parsed[::2]
    assert sorted(shuffled) == parsed
    assert [str(version) for version in parsed] == list(ORDER)


@pytest.mark.parametrize("text", ["5.4", "v5.4.0", "5.4.0 ", " 5.4.0", "05.4.0", "5.4.0-", "5.4.0-01", "5.4.0+build",
                                  "5.4.0-rc..1", "5.4.0\n", "\u0665.4.0", "", "5.4.x", "5.4.0.1"])
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="three numbers"):
        Version.parse(text)


@pytest.mark.parametrize(("version", "previous", "step"), [
    ("5.4.2", "5.4.1", Step.PATCH), ("5.4.2", "5.4.0", Step.PATCH), ("5.5.0", "5.4.9", Step.MINOR),
    ("6.0.0", "5.5.0", Step.MAJOR), ("6.0.0-rc.1", "5.5.0", Step.MAJOR)])
def test_step(version: str, previous: str, step: Step) -> None:
    assert Version.parse(version).step_from(Version.parse(previous)) is step


@pytest.mark.parametrize("previous", ["5.4.0", "5.4.1", "6.0.0"])
def test_no_step_down_or_in_place(previous: str) -> None:
    with pytest.raises(ValueError, match="above"):
        Version.parse("5.4.0").step_from(Version.parse(previous))


def test_range_holds_its_bounds() -> None:
    found = VersionRange.parse(">=5.0.0 <5.4.2")
    inside = [text for text in ("4.9.9", "5.0.0", "5.4.1", "5.4.2-rc.1", "5.4.2") if Version.parse(text) in found]
    assert inside == ["5.0.0", "5.4.1", "5.4.2-rc.1"]
    assert str(found) == ">=5.0.0 <5.4.2"


@pytest.mark.parametrize("text", ["", "5.0.0", ">= 5.0.0", "~5.0.0", ">=5.0"])
def test_other_ranges_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"range|empty"):
        VersionRange.parse(text)
