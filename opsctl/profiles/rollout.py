"""How changes reach a customer's system: in which ring, and with whose approval."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from opsctl.profiles.parts import Part


class ApprovalNeed(StrEnum):
    """Who approves a plan before it is applied."""

    NONE = "none"
    ONE_PERSON = "one-person"
    ANOTHER_PERSON = "another-person"
    """Not one of those who asked for the plan."""


class PlanApprovals(Part):
    """By kind of change. The data sheet has updates installed automatically (P11, P12): the default is none."""

    patch: ApprovalNeed = Field(default=ApprovalNeed.NONE, description="Patches of platform, OS and middleware.")
    upgrade: ApprovalNeed = Field(default=ApprovalNeed.NONE, description="The next Debian or PostgreSQL version.")
    minor: ApprovalNeed = Field(default=ApprovalNeed.NONE, description="Patch and minor releases of READY.")
    major: ApprovalNeed = Field(default=ApprovalNeed.NONE, description="Major releases of READY.")
