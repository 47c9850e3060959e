"""What changed state since others were told: a problem once, and its recovery once. Pure.

A message that was not taken counts as not sent: it is due again the next time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from opsctl.promises.model import Word
from opsctl.report.status import CustomerStatus

if TYPE_CHECKING:
    from opsctl.ledger import Entry

SENT, FAILED = "notification.sent", "notification.failed"
PROBLEM, RECOVERY = "problem", "recovery"


@dataclass(frozen=True)
class Alert:
    """kind: problem or recovery. what: a verdict's name, or `component NAME`."""

    customer: str
    what: str
    kind: str
    state: str
    detail: str

    @property
    def key(self) -> str:
        """What it is about."""
        return f"{self.customer}/{self.what}"

    def document(self) -> dict[str, Any]:
        """JSON-serialisable."""
        return asdict(self)


def problems(rows: Iterable[CustomerStatus], network: Mapping[str, Entry]) -> dict[str, Alert]:
    """What is wrong now, by key: broken promises, and components that are down or cannot be judged.

    network: the newest check by customer.
    """
    found: list[Alert] = []
    for row in rows:
        found += [Alert(row.customer, name, PROBLEM, verdict.word.value, verdict.detail)
                  for name, verdict in row.verdicts.items() if verdict.word is Word.BROKEN]
        checked = network.get(row.customer)
        for one in checked.payload["components"] if checked else ():
            if one["state"] in {"down", "unknown", "flapping"}:
                found.append(Alert(row.customer, f"component {one['name']}", PROBLEM, one["state"], one["detail"]))
    return {alert.key: alert for alert in found}


def told(entries: Iterable[Entry]) -> dict[str, str]:
    """By key the state that others were told last; what has recovered is not in it."""
    known: dict[str, str] = {}
    for entry in entries:
        if entry.kind == SENT:
            for one in entry.payload["alerts"]:
                key = f"{one['customer']}/{one['what']}"
                if one["kind"] == RECOVERY:
                    known.pop(key, None)
                else:
                    known[key] = str(one["state"])
    return known


def due(now: Mapping[str, Alert], known: Mapping[str, str], judged: Iterable[str]) -> Sequence[Alert]:
    """What is to be told. judged: the customers looked at now; of others nothing has recovered."""
    fresh = [alert for key, alert in sorted(now.items()) if known.get(key) != alert.state]
    gone = [key for key in sorted(known) if key not in now and key.partition("/")[0] in set(judged)]
    return [*fresh, *(Alert(*key.partition("/")[::2], RECOVERY, "ok", f"was {known[key]}") for key in gone)]
