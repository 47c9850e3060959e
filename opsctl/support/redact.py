"""Taking secrets and personal data out of diagnostics, and proving that none is left (P36). Pure.

What is known is removed by its text: names, addresses, secrets. What is not known is removed by its form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from opsctl.core.secret import REDACTED
from opsctl.core.text import without_addresses

SHORTEST = 4
"""Shorter texts are left out of what is known: they stand in every word."""
FORMS: Mapping[str, re.Pattern[str]] = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*-----.*?(-----END [A-Z ]*-----|$)", re.DOTALL),
    "an age identity": re.compile(r"AGE-SECRET-[K]EY-1[0-9A-Z]+", re.IGNORECASE),
    "an access key": re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a token": re.compile(r"\b(eyJ[\w-]+\.[\w-]+\.[\w-]*|gh[pousr]_\w{20,}|xox[abprs]-[\w-]{10,})"),
    "a password in an address": re.compile(r"(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"),
    "a signed address": re.compile(r"(?<=[?&])(X-Amz-[A-Za-z-]+|Signature|token|sig)=[^\s&]+", re.IGNORECASE),
    "a secret by its name": re.compile(
        r"(?i)\b(password|passwd|secret|token|api[_-]?key|authorization)\b\s*[=:]\s*(?!\[redacted\])((bearer|basic)\s+)?\S+"),
    "a reference to a secret": re.compile(r"\b(env:[A-Z_][A-Z0-9_]*|file:/\S+)"),
    "a mail address": re.compile(r"[^\s<>@\"']+@[^\s<>@\"']+"),
    "an IP address": re.compile(r"(?<![\w.])(\d{1,3}(\.\d{1,3}){3})(?![\w.])|"
                                r"(?<![\w:])[0-9a-fA-F]{1,4}(:[0-9a-fA-F]{0,4}){3,7}(?![\w:])"),
}
"""What must not be in a bundle whatever its text is."""


def redacted(value: Any, known: Iterable[str]) -> Any:
    """`value`, JSON-like, with every known text and every known form replaced in its texts and keys."""
    terms = sorted({term for term in known if len(term) >= SHORTEST}, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, terms)), re.IGNORECASE) if terms else None
    return _walk(value, pattern)


def left(text: str, known: Iterable[str]) -> tuple[str, ...]:
    """What is still in `text`, by its kind and never by its content; empty when it is clean."""
    text = text.replace(REDACTED, "\0")
    low = text.casefold()
    found = [what for what, form in FORMS.items() if form.search(text)]
    if any(len(term) >= SHORTEST and term.casefold() in low for term in known):
        found.append("a known name, address or secret")
    return tuple(found)


def _walk(value: Any, pattern: re.Pattern[str] | None) -> Any:
    if isinstance(value, Mapping):
        return {str(_text(str(key), pattern)): _walk(item, pattern) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_walk(item, pattern) for item in value]
    return _text(value, pattern) if isinstance(value, str) else value


def _text(text: str, pattern: re.Pattern[str] | None) -> str:
    if pattern is not None:
        text = pattern.sub(REDACTED, text)
    for what, form in FORMS.items():
        if what == "a mail address":
            text = without_addresses(text)
        text = form.sub(REDACTED, text)
    return text
