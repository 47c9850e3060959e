"""The operator's policy for the service levels' clock in `opsctl.yml`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from opsctl.profiles.parts import Part


class SupportPolicy(Part):
    """Which calendar counts, and whether waiting for the customer stops the clock; the data sheet promises no stop."""

    calendar: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=40)] = Field(
        default="dk-public", description="See docs/support.md; a request keeps the calendar it was received under.")
    pause: bool = Field(default=False, description="True: waiting for the customer, on record, stops the clock.")
    tolerance_seconds: int = Field(default=120, ge=0, le=3600,
                                   description="How far a time may lie in the future, for clocks that differ.")
