"""One text for one value: canonical JSON, the ledger's form of an instant, and the hash of an entry."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from opsctl.core.clock import require_aware
from opsctl.core.secret import Secret


def canonical(value: object) -> str:
    """JSON with sorted keys and without spaces; ValueError for NaN, infinities and lone surrogates."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    text.encode()
    return text


def plain(value: object, where: str = "payload") -> Any:
    """`value` as the dicts, lists, text and numbers that JSON has.

    Raises TypeError, naming the place, for a Secret, a key that is not text, and whatever JSON lacks;
    ValueError for NaN, infinities and text that is not Unicode.
    """
    result: Any
    if isinstance(value, Mapping):
        result = {_key(key, where): plain(item, f"{where}.{key}") for key, item in value.items()}
    elif isinstance(value, (list, tuple)):
        result = [plain(item, f"{where}[{index}]") for index, item in enumerate(value)]
    elif value is None or isinstance(value, bool):
        result = value
    elif isinstance(value, str):
        # A StrEnum is stored as its text; `str(value)` would run the class's own `__str__`.
        result = require_unicode(str.__str__(value), where)
    elif isinstance(value, int):
        result = int(value)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{where} is not a finite number, and JSON has no such number")
        result = float(value)
    elif isinstance(value, Secret):
        raise TypeError(f"{where} is a secret, and the ledger takes no secrets")
    else:
        raise TypeError(f"{where} is of type {type(value).__name__}, and the ledger takes JSON: text, numbers, "
                        "true, false, null, lists and mappings with text keys")
    return result


def _key(key: object, where: str) -> str:
    if isinstance(key, Secret):
        raise TypeError(f"a key of {where} is a secret, and the ledger takes no secrets")
    if not isinstance(key, str):
        raise TypeError(f"a key of {where} is of type {type(key).__name__}, and JSON keys are text")
    return require_unicode(str.__str__(key), f"a key of {where}")


def require_unicode(text: str, where: str) -> str:
    """Return `text`; ValueError when it holds half a surrogate pair and so has no UTF-8 form."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{where} is not Unicode text") from error
    return text


def require_label(text: str, what: str, *, empty: bool = False) -> str:
    """Return `text` when it can name something: printable, one line, not empty unless `empty`."""
    if not isinstance(text, str):
        raise TypeError(f"{what} must be text, not {type(text).__name__}")
    text = str.__str__(text)
    if not text and not empty:
        raise ValueError(f"{what} must not be empty")
    if not text.isprintable():
        raise ValueError(f"{what} must be printable text on one line")
    return text


def stamp(instant: datetime) -> str:
    """RFC 3339 in UTC, always with six decimals: of one width, so that text order is time order."""
    return require_aware(instant).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def unstamp(text: str) -> datetime:
    """The instant of `stamp`; ValueError for any other text."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None or stamp(instant) != text:
        raise ValueError(f"{text!r} is not an instant of the ledger")
    return instant


def entry_hash(content: Mapping[str, Any]) -> str:
    """SHA-256, hexadecimal, of the canonical JSON of an entry without its hash.

    content: chain, sequence, previous, recorded_at (as `stamp` writes it), kind, actor, run, payload.
    """
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def personal_reference(salt: str, text: str) -> str:
    """How evidence names personal data: SHA-256 over salt and text."""
    return hashlib.sha256(f"{salt}:{text}".encode(errors="surrogateescape")).hexdigest()
