"""Figures for Prometheus, in the text format that node_exporter's textfile collector reads. Pure.

Names and meanings are in docs/surveillance.md. What is not known has no sample, never a zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from opsctl.promises.model import Word
from opsctl.report.status import CustomerStatus

if TYPE_CHECKING:
    from opsctl.ledger import Entry


@dataclass(frozen=True)
class Metric:
    """A name without the prefix `opsctl_`, what it means, its samples as (labels, value)."""

    name: str
    help: str
    samples: Sequence[tuple[Mapping[str, str], float]]


def metrics(rows: Iterable[CustomerStatus], storage: Mapping[str, Entry], network: Mapping[str, Entry],
            nightly: datetime | None, now: datetime) -> str:
    """All samples. storage, network: the newest checks by customer. nightly: when a night last came to its end."""
    found = [_verdicts(rows), *_storage(storage), *_network(network),
             Metric("nightly_finished_timestamp_seconds", "When a nightly run last came to its end.",
                    [({}, nightly.timestamp())] if nightly else []),
             Metric("written_timestamp_seconds", "When this file was written.", [({}, now.timestamp())])]
    return "".join(_text(metric) for metric in found if metric.samples)


def _verdicts(rows: Iterable[CustomerStatus]) -> Metric:
    return Metric("verdict", "1 for the verdict that stands, 0 for the others.", [
        ({"customer": row.customer, "what": name, "verdict": word.value}, float(verdict.word is word))
        for row in rows for name, verdict in row.verdicts.items() for word in Word])


def _storage(checks: Mapping[str, Entry]) -> Iterable[Metric]:
    volumes = [({"customer": customer, "host": one["host"], "mount": one["mount"]}, one)
               for customer, entry in sorted(checks.items()) for one in entry.payload["volumes"] if not one["error"]]
    yield Metric("storage_used_bytes", "Bytes used of a volume.", [(who, one["bytes_used"]) for who, one in volumes])
    yield Metric("storage_usable_bytes", "Bytes of a volume that users other than root can use.",
                 [(who, one["bytes_used"] + one["bytes_available"]) for who, one in volumes])
    yield Metric("storage_full_timestamp_seconds", "When a volume is full by its growth; no sample without a forecast.",
                 [(who, _midnight(one["forecast"]["full"])) for who, one in volumes
                  if (one.get("forecast") or {}).get("full")])
    yield Metric("backup_store_bytes", "What the customer's own backups take of a store.", [
        ({"customer": customer, "store": one["place"]}, one["bytes"]) for customer, entry in sorted(checks.items())
        for one in entry.payload.get("stores", ()) if not one["error"]])
    yield Metric("storage_checked_timestamp_seconds", "When storage was last checked.", _when(checks))


def _network(checks: Mapping[str, Entry]) -> Iterable[Metric]:
    components: list[tuple[dict[str, str], Mapping[str, Any]]] = [
        ({"customer": customer, "component": one["name"]}, one)
        for customer, entry in sorted(checks.items()) for one in entry.payload["components"]]
    yield Metric("component_up", "1 when a component answered as it should, 0 when not.",
                 [(who, float(one["raw"] == "up")) for who, one in components if one["raw"]])
    yield Metric("component_round_trip_seconds", "Median of the connections of the last check.",
                 [(who, one["round_trip_milliseconds"] / 1000) for who, one in components
                  if one["round_trip_milliseconds"] is not None])
    yield Metric("certificate_end_timestamp_seconds", "When a component's certificate ends.",
                 [(who, _midnight(one["facts"]["certificate_ends"])) for who, one in components
                  if "certificate_ends" in one["facts"]])
    yield Metric("network_checked_timestamp_seconds", "When components were last checked.", _when(checks))


def _when(checks: Mapping[str, Entry]) -> list[tuple[Mapping[str, str], float]]:
    return [({"customer": customer}, entry.recorded_at.timestamp()) for customer, entry in sorted(checks.items())]


def _midnight(day: str) -> float:
    return datetime.combine(date.fromisoformat(day), time(0), UTC).timestamp()


def _text(metric: Metric) -> str:
    name = f"opsctl_{metric.name}"
    lines = [f"# HELP {name} {metric.help}", f"# TYPE {name} gauge"]
    for labels, value in metric.samples:
        inner = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        lines.append(f"{name}{{{inner}}} {_number(value)}" if inner else f"{name} {_number(value)}")
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    """Short where that is exact: a petabyte counted in bytes has more than 15 digits."""
    short = f"{value:.15g}"
    return short if float(short) == value else repr(value)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
