"""One severity scale for all: the CVSS 3 base score, mapped to four words, one step up when exploited.

Source: CVSS v3.1 specification, sections 7.1 and 7.4 and appendix A; Red Hat's four words.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum


class Severity(IntEnum):
    """The four words, in order."""

    LOW = 1
    MODERATE = 2
    IMPORTANT = 3
    CRITICAL = 4

    @property
    def word(self) -> str:
        """The word in small letters."""
        return self.name.lower()


_WEIGHTS: Mapping[str, Mapping[str, float]] = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "PR": {"N": 0.85, "L": 0.62, "H": 0.27},
    "UI": {"N": 0.85, "R": 0.62},
    "S": {"U": 0.0, "C": 1.0},
    "C": {"H": 0.56, "L": 0.22, "N": 0.0},
    "I": {"H": 0.56, "L": 0.22, "N": 0.0},
    "A": {"H": 0.56, "L": 0.22, "N": 0.0},
}
_PRIVILEGES_WHEN_SCOPE_CHANGES = {"N": 0.85, "L": 0.68, "H": 0.5}


def base_score(vector: str) -> float:
    """The base score, 0.0 to 10.0, of a CVSS 3.0 or 3.1 base vector; ValueError when it is not one."""
    metrics = _metrics(vector)
    changed = metrics["S"] == "C"
    weight = {name: _WEIGHTS[name][value] for name, value in metrics.items()}
    if changed:
        weight["PR"] = _PRIVILEGES_WHEN_SCOPE_CHANGES[metrics["PR"]]
    lost = 1 - (1 - weight["C"]) * (1 - weight["I"]) * (1 - weight["A"])
    impact = 7.52 * (lost - 0.029) - 3.25 * (lost - 0.02) ** 15 if changed else 6.42 * lost
    if impact <= 0:
        return 0.0
    exploitability = 8.22 * weight["AV"] * weight["AC"] * weight["PR"] * weight["UI"]
    return _rounded_up(min((1.08 if changed else 1.0) * (impact + exploitability), 10.0))


def severity(vector: str, exploited: bool) -> Severity:
    """The severity of a base vector; known exploitation raises it by one step."""
    score = base_score(vector)
    plain = next((level for floor, level in ((9.0, Severity.CRITICAL), (7.0, Severity.IMPORTANT),
                                             (4.0, Severity.MODERATE)) if score >= floor), Severity.LOW)
    return Severity(min(plain + exploited, Severity.CRITICAL))


def _metrics(vector: str) -> dict[str, str]:
    head, *parts = vector.split("/")
    pairs = [part.partition(":") for part in parts]
    metrics = {name: value for name, _, value in pairs}
    wrong = [name for name, value in metrics.items() if value not in _WEIGHTS.get(name, {})]
    if head not in {"CVSS:3.0", "CVSS:3.1"} or wrong or len(pairs) != len(_WEIGHTS) or set(metrics) != set(_WEIGHTS):
        raise ValueError("is not a CVSS 3 base vector; write one such as CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N")
    return metrics


def _rounded_up(value: float) -> float:
    # Appendix A: in whole hundred-thousandths, so that 4.000000001 does not become 4.1.
    whole = round(value * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10
