"""Kamstrup API Access in a profile (P18): where the customer's key lies, never the key."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from opsctl.profiles.hosted import Address, SecretReference
from opsctl.profiles.parts import Part


class ApiAccess(Part):
    """How READY's API is asked with the customer's credentials."""

    credentials: SecretReference
    ca_file: Annotated[str, Field(pattern=r"^/")] | None = Field(
        default=None, description="CA bundle of a private authority. Left out: those this machine trusts.")
    endpoint: Address | None = Field(
        default=None, description="Name under which the customer's systems reach the API; checked beside the hosts.")
    port: int = Field(default=8443, ge=1, le=65535)
