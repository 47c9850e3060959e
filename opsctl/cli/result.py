"""What a command returns: data for machines, lines for people, and the exit code. Rendered in one place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opsctl.cli.files import write
from opsctl.core.errors import ExitCode
from opsctl.core.outcome import Outcome, Status, combined_exit_code
from opsctl.core.text import printable


@dataclass(frozen=True)
class Result:
    """data: the envelope's `data`, JSON-serialisable. text: what people read on stdout."""

    data: Mapping[str, Any]
    text: str
    exit_code: ExitCode | int = ExitCode.OK
    warnings: tuple[str, ...] = ()
    errors: tuple[Mapping[str, Any], ...] = field(default=())


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns of text, left-aligned, two spaces between; readable without colour and in a log.

    What does not print is shown as `?`, so that no text from a host or a file steers the terminal.
    """
    cells = [[str(heading).replace("_", " ") for heading in headings],
             *([printable(str(cell)) for cell in row] for row in rows)]
    widths = [max(len(row[index]) for row in cells) for index in range(len(headings))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def outcome_data(outcome: Outcome) -> dict[str, Any]:
    """One outcome as it stands in the envelope."""
    return {"customer": outcome.customer, "service": outcome.service, "status": outcome.status.value,
            "summary": outcome.summary, "resolution": outcome.resolution, "run": outcome.run,
            "exit_code": int(outcome.code), "warnings": list(outcome.warnings), "data": dict(outcome.data)}


def outcomes_result(outcomes: Sequence[Outcome], *, extra: Mapping[str, Any] | None = None, tail: str = "") -> Result:
    """A table of outcomes, what to do about those that went wrong, and one exit code.

    Nothing done at all, because there was nothing to do it for, is the caller's to judge.
    """
    lines = [table(("customer", "service", "status", "what"),
                   [(o.customer, o.service, o.status.value, o.summary) for o in outcomes])]
    wrong = [o for o in outcomes if o.code is not ExitCode.OK or o.status is Status.WARNING]
    todo = [line for o in wrong if o.resolution for line in (
        f"  {o.customer} {o.service}: {o.resolution}", *(f"    {detail}" for detail in _details(o)))]
    if todo:
        lines += ["", "What to do:", *todo]
    if tail:
        lines += ["", tail]
    errors = tuple({"customer": o.customer, "service": o.service, "message": o.summary, "resolution": o.resolution,
                    "details": _details(o), "exit_code": int(o.code)} for o in outcomes if o.code is not ExitCode.OK)
    warnings = tuple(f"{o.customer}: {warning}" for o in outcomes for warning in o.warnings)
    return Result({"outcomes": [outcome_data(o) for o in outcomes], **(extra or {})}, "\n".join(lines),
                  combined_exit_code(outcomes), warnings, errors)


def _details(outcome: Outcome) -> list[str]:
    """The lines of the error that ended it, as `fleet.failures` and `runs` keep them."""
    return [str(line) for line in outcome.data.get("details", ())]


def nagios_result(name: str, outcomes: Sequence[Outcome]) -> Result:
    """One line with performance data, and a monitoring plugin's exit code: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.

    Performance data comes from `data["figures"]` of each outcome: {label, value, unit, warn, crit}.
    """
    states = [_nagios_state(outcome) for outcome in outcomes]
    worst = max(states, key=(0, 1, 3, 2).index, default=3)
    word = ("OK", "WARNING", "CRITICAL", "UNKNOWN")[worst]
    notable = [f"{o.customer}: {o.summary}" for o, state in zip(outcomes, states, strict=True) if state]
    text = "; ".join(notable) if notable else f"{len(outcomes)} checked"
    performance = " ".join(
        f"'{outcome.customer}.{v['label']}'={v['value']}{v['unit']};{_limit(v['warn'])};{_limit(v['crit'])}"
        for outcome in outcomes for v in outcome.data.get("figures", ()))
    line = printable(f"{name} {word} - {text}").replace("|", "/")
    errors = tuple({"customer": o.customer, "service": o.service, "message": o.summary, "resolution": o.resolution}
                   for o, state in zip(outcomes, states, strict=True) if state)
    return Result({"state": word, "outcomes": [outcome_data(o) for o in outcomes]},
                  f"{line} | {performance}" if performance else line, worst, (), errors)


def _limit(value: float | None) -> str:
    return "" if value is None else str(value)


def _nagios_state(outcome: Outcome) -> int:
    """What could not be judged is UNKNOWN, never OK."""
    if outcome.status is Status.WARNING:
        return 1
    if outcome.status is Status.CHECK_FAILED:
        return 2
    return 0 if outcome.code is ExitCode.OK else 3


def write_junit(path: Path, outcomes: Sequence[Outcome], name: str) -> None:
    """JUnit XML: one test case per outcome, so that a CI job shows each customer and service."""
    from xml.etree import ElementTree

    failed = [o for o in outcomes if o.code is not ExitCode.OK]
    skipped = [o for o in outcomes if o.status in {Status.SKIPPED, Status.NOT_COVERED}]
    suite = ElementTree.Element("testsuite", name=name, tests=str(len(outcomes)), failures=str(len(failed)),
                                errors="0", skipped=str(len(skipped)))
    for outcome in outcomes:
        case = ElementTree.SubElement(suite, "testcase", classname=printable(outcome.customer), name=outcome.service,
                                      time=str(outcome.data.get("seconds", 0)))
        if outcome in failed:
            failure = ElementTree.SubElement(case, "failure", message=printable(outcome.summary))
            failure.text = "\n".join(map(printable, (outcome.summary, outcome.resolution, *_details(outcome)))).strip()
        elif outcome in skipped:
            ElementTree.SubElement(case, "skipped", message=printable(outcome.summary))
    root = ElementTree.Element("testsuites")
    root.append(suite)
    write(path, ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))
