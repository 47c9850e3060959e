"""Where monitoring is silenced while a customer's hosts are worked on."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from opsctl.profiles.hosted import SecretReference
from opsctl.profiles.parts import Part

OutsideUrl = Annotated[str, Field(pattern=r"^(https://|http://(127\.0\.0\.1|localhost)[:/])[!-~]+$", max_length=500)]
"""TLS, or this machine."""

LabelName = Annotated[str, Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_]*$", max_length=60)]


class Without(StrEnum):
    """What happens when monitoring cannot be silenced."""

    WARN = "warn"
    REFUSE = "refuse"


class SilenceSettings(Part):
    """Who is told before work on hosts begins, and after it ended. Whoever is told nothing more ends it by itself."""

    alertmanager: OutsideUrl | None = Field(default=None, description="Its address; silences are made by its API v2.")
    authorization: SecretReference | None = Field(default=None, description="The whole value of the header "
                                                  "`Authorization` that Alertmanager, or what stands before it, wants.")
    ca_file: Path | None = Field(default=None, description="Left out: the authorities this machine trusts.")
    customer_label: LabelName = Field(default="customer", description="The label of alerts that holds the customer.")
    host_label: LabelName | None = Field(default=None, description="The label that holds the host; left out: the "
                                                                   "whole customer is silenced.")
    webhook: OutsideUrl | None = Field(default=None, description="Gets `begin` and `end`, for other monitoring.")
    webhook_key: SecretReference | None = Field(default=None, description="Signs each message (HMAC-SHA256).")
    hours: int = Field(default=4, ge=1, le=72, description="The silence ends by itself after so many, when opsctl "
                                                           "cannot end it.")
    without: Without = Field(default=Without.WARN, description="Whether work that cannot be silenced begins.")

    @model_validator(mode="after")
    def _whole(self) -> SilenceSettings:
        if (self.webhook is None) != (self.webhook_key is None):
            raise ValueError("webhook and webhook_key belong together; write both or neither")
        if self.alertmanager is None and (self.authorization or self.ca_file or self.host_label):
            raise ValueError("authorization, ca_file and host_label are for an alertmanager, and none is named")
        return self
