"""Text from outside, made fit to be shown: no control characters, nothing that turns its direction."""

from __future__ import annotations

import re
from collections.abc import Iterable

_ADDRESS = re.compile(r"<?[^\s<>@]+@[^\s<>@]+>?")


def printable(text: str) -> str:
    """`text` with `?` for each character that does not print; lines and tabs become spaces."""
    # The one printable character that is a space is the space itself: nothing would be changed.
    return text if text.isprintable() else "".join(_shown(character) for character in text)


def unprintable(text: str) -> bool:
    """True when `text` holds a control character other than tab and line end, or one that turns its direction."""
    return any(_shown(character) == "?" != character for character in text)


def _shown(character: str) -> str:
    if character.isspace():
        return " " if character in "\n\r\t\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029" else character
    return character if character.isprintable() or character in "\u00ad\u200c\u200d" else "?"


def without_addresses(text: str, addresses: Iterable[str] = ()) -> str:
    """`text` on one line that prints, each mail address in it replaced: addresses are personal data.

    addresses: replaced also where they do not look like one.
    """
    for address in addresses:
        text = re.sub(f"<?{re.escape(address)}>?", "[address]", text, flags=re.IGNORECASE)
    return _ADDRESS.sub("[address]", printable(text))
