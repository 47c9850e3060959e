"""Try every template, for every kind and language, with made-up facts: what is wrong, and where."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from opsctl.contract.services import Service
from opsctl.core.errors import ConfigurationError, OperationFailed, OpsctlError
from opsctl.core.outcome import Outcome, Status
from opsctl.notices import brand as brands
from opsctl.notices import drafting, examples, layers, letter, translations
from opsctl.notices.kinds import RULES
from opsctl.notices.model import Edition, Facts, Recipient
from opsctl.profiles.parts import Language
from opsctl.profiles.settings import Settings

_LEFT_OVER = re.compile(r"[{}]|\bNone\b|\bUndefined\b|<[A-Za-z_]+ object")


@dataclass(frozen=True)
class Trial:
    """count: how many messages were rendered. problems: each once, with the kinds and languages it was met in."""

    count: int
    problems: tuple[str, ...]


def try_all(where: layers.Layers) -> Trial:
    """Render all kinds in all languages by the templates of `where`."""
    found: dict[str, list[str]] = {}
    count = 0
    try:
        brand = brands.load(where)
    except ConfigurationError as error:
        return Trial(0, tuple(_lines(error)))
    languages = translations.languages(where)
    for language in languages:
        incomplete = dict.fromkeys(_words(where, language))
        for line in incomplete:
            found.setdefault(line, [])
        for facts in () if incomplete else examples.every(languages):
            count += 1
            for line in _problems(where, brand, facts, language):
                found.setdefault(line, []).append(f"{facts.kind.value} in {language}")
    return Trial(count, tuple(f"{line}{_met(met)}" for line, met in found.items()))


def check(settings: Settings, customers: Sequence[str]) -> Outcome:
    """All templates: everybody's, and those of `customers` that have their own; a failed check names what is wrong."""
    base = layers.Layers(settings.templates / "notices")
    trials = {"": try_all(base)}
    for customer in customers:
        own = layers.of(settings, customer)
        if own.own is not None:
            trials[f"{customer}: "] = try_all(own)
    problems = [f"{name}{line}" for name, trial in trials.items() for line in trial.problems]
    count = sum(trial.count for trial in trials.values())
    what = f"{count} messages of {len(RULES)} kinds rendered"
    if not problems:
        return Outcome("templates", Service.SOFTWARE_UPDATE_MINOR, Status.UNCHANGED, what)
    number = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return Outcome("templates", Service.SOFTWARE_UPDATE_MINOR, Status.CHECK_FAILED, f"{what}, {number}: {problems[0]}",
                   "correct the lines named; see docs/notices.md", data={"details": problems})


def _words(where: layers.Layers, language: Language) -> Iterator[str]:
    try:
        translations.load(where, language)
    except ConfigurationError as error:
        yield from _lines(error)


def _problems(where: layers.Layers, brand: brands.Brand, facts: Facts, language: Language) -> Iterator[str]:
    recipient = Recipient("IT Example", "it@customer.example", language)
    try:
        made = drafting.files(facts, (recipient,), Edition(2, examples.NOW, ("wording",)), brand, where)
    except (ConfigurationError, OperationFailed) as error:
        yield from _lines(error)
        return
    for subject in made.subjects:
        if len(subject) > letter.SUBJECT_LENGTH:
            yield f"the subject is longer than {letter.SUBJECT_LENGTH} characters"
    if _LEFT_OVER.search(made.content["message.txt"].decode()):
        yield "the text has a brace or a value without words left in it"
    for name in made.large:
        yield f"{name} is larger than {drafting.HTML_LIMIT // 1000} kB; some mail readers cut it"


def _lines(error: OpsctlError) -> tuple[str, ...]:
    return error.details or (error.message,)


def _met(met: Sequence[str]) -> str:
    """Where a problem was met; a few examples are enough."""
    places = list(dict.fromkeys(met))
    if not places:
        return ""
    rest = f" and {len(places) - 3} more" if len(places) > 3 else ""
    return f" ({', '.join(places[:3])}{rest})"
