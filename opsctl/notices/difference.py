"""What changed from one revision of a notice to another: recipients, release file, facts, and the words. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_SHOWN = 80


@dataclass(frozen=True)
class Issued:
    """A revision as it lies on the shelf. summary: notice.json. texts: by the file's name."""

    summary: Mapping[str, Any]
    texts: Mapping[str, str]

    @property
    def recipients(self) -> dict[str, Mapping[str, Any]]:
        """The recipients by address."""
        return {entry["address"]: entry for entry in self.summary["recipients"]}

    def text(self, address: str) -> list[str]:
        """The lines of this recipient's message."""
        name = next((name for name in self.recipients[address]["files"] if name.endswith(".txt")), "")
        return self.texts.get(name, "").splitlines()


@dataclass(frozen=True)
class Difference:
    """recipients, release, facts: lines for people. texts: a unified diff of each recipient's message, by address."""

    recipients: tuple[str, ...]
    release: tuple[str, ...]
    facts: tuple[str, ...]
    texts: Mapping[str, tuple[str, ...]]

    @property
    def empty(self) -> bool:
        """Nothing differs that a reader would see."""
        return not (self.recipients or self.release or self.facts or any(self.texts.values()))


def difference(before: Issued, now: Issued) -> Difference:
    """What a reader of `now` has to look at who has read `before`."""
    facts = list(_changes("", before.summary["facts"], now.summary["facts"]))
    release = tuple(line for key, line in facts if key.startswith("release."))
    return Difference(tuple(_recipients(before, now)), release,
                      tuple(line for key, line in facts if not key.startswith("release.")), _texts(before, now))


def _recipients(before: Issued, now: Issued) -> Iterator[str]:
    old, new = before.recipients, now.recipients
    for address in (*old, *(address for address in new if address not in old)):
        if address not in new:
            yield f"removed: {old[address]['name']} <{address}>"
        elif address not in old:
            yield f"added: {new[address]['name']} <{address}>, {new[address]['language']}"
        else:
            for key in ("name", "language", "subject"):
                if old[address][key] != new[address][key]:
                    yield f"{address}: {key} {_short(old[address][key])} -> {_short(new[address][key])}"


def _texts(before: Issued, now: Issued) -> dict[str, tuple[str, ...]]:
    return {address: tuple(difflib.unified_diff(
        before.text(address), now.text(address), f"revision {before.summary['revision']}",
        f"revision {now.summary['revision']}", lineterm="", n=2))
        for address in now.recipients if address in before.recipients}


def _changes(path: str, before: Any, now: Any) -> Iterator[tuple[str, str]]:
    """`path` and a line for each value that differs; lists of the same length are compared item by item."""
    if before == now:
        return
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in (*before, *(key for key in now if key not in before)):
            yield from _changes(f"{path}.{key}" if path else str(key), before.get(key), now.get(key))
    elif _list(before) and _list(now) and len(before) == len(now):
        for index, (one, other) in enumerate(zip(before, now, strict=True)):
            yield from _changes(f"{path}[{index}]", one, other)
    else:
        yield path, f"{path}: {_short(before)} -> {_short(now)}"


def _list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    if _list(value) and any(isinstance(item, Mapping) for item in value):
        return "1 item" if len(value) == 1 else f"{len(value)} items"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN - 3]}..."
