"""The questions of P39-P42 and the level that their answers give. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from opsctl.core.errors import UsageError


class Answer(StrEnum):
    """UNKNOWN: it cannot be told yet."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


QUESTIONS: Mapping[str, str] = {
    "error": "Is it an error, not a request for guidance? (P42)",
    "stops": "Does it cause the system to stop? (P39)",
    "data_loss": "Does it lead to a risk of data loss? (P39)",
    "important": "Are functions that are important to the system not working as intended? (P40)",
    "costly": "Is it time-consuming or resource-intensive to bypass? (P40)",
}
"""What is asked at intake, in this order. After `no` to the first, and after a stop, the rest has no bearing."""


@dataclass(frozen=True)
class Answers:
    """What was answered; None for what was not asked."""

    error: Answer | None = None
    stops: Answer | None = None
    data_loss: Answer | None = None
    important: Answer | None = None
    costly: Answer | None = None

    def data(self) -> dict[str, Any]:
        """As the ledger keeps it: what was asked."""
        return {name: answer.value for name, answer in asdict(self).items() if answer is not None}

    def next_question(self) -> str | None:
        """The name of the next question to ask; None when a level follows."""
        order = ["error"]
        if self.error is not Answer.NO:
            order.append("stops")
            order += ["important", "costly"] if self.stops is Answer.NO else ["data_loss"]
        if self.stops is Answer.NO and self.important is Answer.NO and "costly" in order:
            order.remove("costly")
        return next((name for name in order if getattr(self, name) is None), None)


UNASKED = Answers()


def propose(answers: Answers) -> tuple[str, str]:
    """The level's letter and why. UsageError names the question that is still open.

    What cannot be told yet counts as the graver answer, with the reason recorded: it can be lowered, lost data cannot
    be had back.
    """
    missing = answers.next_question()
    if missing is not None:
        option = missing.replace("_", "-")
        raise UsageError(f"the level is not clear yet: {QUESTIONS[missing]}",
                         f"answer with --{option} yes|no|unknown, or set the level with --level and --level-reason")
    if answers.error is Answer.NO:
        return "D", "unrelated to errors (P42)"
    if answers.stops is not Answer.NO:
        if answers.data_loss is Answer.NO:
            return "B", "the system stops, without a risk of data loss (P39 asks for both)"
        if Answer.UNKNOWN in {answers.stops, answers.data_loss}:
            return "A", "a stop with a risk of data loss cannot be ruled out, so it is treated as A (P39)"
        return "A", "the system stops and data may be lost (P39)"
    if answers.important is not Answer.NO and answers.costly is not Answer.NO:
        return "B", "important functions, and costly to bypass (P40)"
    return "C", ("functions that are not critical (P41)" if answers.important is Answer.NO
                 else "important functions that are easy to bypass (P41: B needs a costly bypass)")
