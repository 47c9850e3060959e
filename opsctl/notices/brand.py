"""Who writes the notices: addresses and colours from templates/notices/brand.yml (P03)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, TypeAdapter, model_validator

from opsctl.notices.headers import name_problem
from opsctl.notices.layers import Layers
from opsctl.profiles.parts import EmailAddress, Part
from opsctl.profiles.validation import validated

FILE = "brand.yml"
LEAST_CONTRAST = 4.5
"""Text on its ground, WCAG 2.2 success criterion 1.4.3."""


def _display_name(value: str) -> str:
    found = name_problem(value)
    if found:
        raise ValueError(f"{found}; it stands in a mail header")
    return value


Colour = Annotated[str, Field(pattern=r"^#[0-9a-f]{6}$")]


class Sender(Part):
    """The role address that notices come from; its domain must be the relay's (DMARC alignment)."""

    name: Annotated[str, Field(min_length=1), AfterValidator(_display_name)]
    email: EmailAddress


class Scheme(Part):
    """The colours of one scheme."""

    page: Colour
    ground: Colour
    box: Colour
    text: Colour
    quiet: Colour
    link: Colour
    line: Colour
    warning: Colour
    head: Colour
    head_text: Colour

    @model_validator(mode="after")
    def _readable(self) -> Scheme:
        pairs = [(name, ground) for name in ("text", "quiet", "link") for ground in ("ground", "box")]
        for name, ground in (*pairs, ("text", "warning"), ("head_text", "head")):
            if contrast(getattr(self, name), getattr(self, ground)) < LEAST_CONTRAST:
                raise ValueError(f"{name} on {ground} has a contrast below {LEAST_CONTRAST} to 1; choose another")
        return self


class Colours(Part):
    """Both schemes."""

    light: Scheme
    dark: Scheme


class Brand(Part):
    """Everything about the sender. All three channels are mandatory (P03)."""

    schema_version: Literal[1]
    sample: bool = Field(description="True: the contact data are invented, and real customers are refused.")
    vendor: str = Field(min_length=1, max_length=40)
    sender: Sender
    website: str = Field(pattern=r"^https://[^/@\s]+/\S*$")
    phone: str = Field(pattern=r"^\+[0-9 ]{6,20}$")
    email: EmailAddress
    colours: Colours

    @property
    def domain(self) -> str:
        """The domain that message ids and the envelope belong to."""
        return self.sender.email.rpartition("@")[2]


_ADAPTER: TypeAdapter[Brand] = TypeAdapter(Brand)


def load(layers: Layers) -> Brand:
    """The brand, a customer's own before everybody's; ConfigurationError with every problem at once."""
    folder, path = layers.file(FILE)
    return validated(_ADAPTER, path, folder)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours written #rrggbb, 1.0 to 21.0 (WCAG 2.2, relative luminance)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[start: start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
