"""The report in another language: phrases of a gettext catalogue in place of the English ones. Pure but for `load`.

A msgid is a whole text of the report; `{name}` in it stands for what differs, which is translated in its turn. `{n...}`
stands for a number, whose decimals are written as the language does, `{day...}` for a date, `{id...}` for one word.
What no phrase fits stays as it is: names, what hosts and people said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from opsctl.core.errors import ConfigurationError
from opsctl.report.service.model import Day, Report, Row, Section

LANGUAGES = "languages"
_HOLE = re.compile(r"\{([a-z]+)\}")
_KINDS = (("day", r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?: ?[+-]\d{4}|Z)?)?"),
          ("id", r"[\w.-]+"), ("n", r"-?\d[\d.,]*"))
_DECIMAL = re.compile(r"-?\d+\.\d+")
_JOINTS = ("; ", ", ")


@dataclass(frozen=True)
class Phrases:
    """The phrases of one language, English to its own. missed: called with each text that no phrase fits.

    decimal: the mark before the decimals of a number.
    """

    language: str
    words: Mapping[str, str]
    decimal: str = "."
    missed: Callable[[str], None] = field(default=lambda text: None, compare=False)

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], str]]:
        """Those with a hole, the most particular first."""
        found = sorted((text for text in self.words if _HOLE.search(text)),
                       key=lambda text: (-len(_HOLE.sub("", text)), text))
        return [(re.compile(_expression(text), re.DOTALL), self.words[text]) for text in found]

    def say(self, text: str) -> str:
        """`text` in this language."""
        found = self._found(text)
        if found is None:
            self.missed(text)
            return text
        return found

    def _found(self, text: str) -> str | None:
        """The translation; None when no phrase fits, also not its parts between semicolons or commas."""
        if not any(sign.isalpha() for sign in text):
            return text
        if text in self.words:
            return self.words[text]
        for pattern, words in self._patterns:
            match = pattern.fullmatch(text)
            if match:
                return words.format(**{name: self._inner(name, value) for name, value in match.groupdict().items()})
        for joint in _JOINTS:
            parts = text.split(joint)
            said = [self._found(part) for part in parts] if len(parts) > 1 else []
            if joint == "; " and any(part is not None for part in said):
                return joint.join(self.say(part) for part in parts)
            if said and all(part is not None for part in said):
                return joint.join(part for part in said if part is not None)
        return None

    def _inner(self, name: str, text: str) -> str:
        """What fills the hole `name`: a number as the language writes it; translated where a phrase fits, else a name.
        """
        if name.startswith("n") and _DECIMAL.fullmatch(text):
            return text.replace(".", self.decimal)
        found = self._found(text)
        return text if found is None else found


def _expression(text: str) -> str:
    parts = _HOLE.split(text)
    made = [re.escape(parts[0])]
    for name, literal in zip(parts[1::2], parts[2::2], strict=True):
        kind = next((expression for prefix, expression in _KINDS if name.startswith(prefix)), ".*?")
        made += [f"(?P<{name}>{kind})", re.escape(literal)]
    return "".join(made)


ENGLISH = Phrases("en", {})


def translated(report: Report, phrases: Phrases) -> Report:
    """The same report in another language: every verdict, number, date and reference stays. English is unchanged."""
    if phrases.language == "en":
        return report
    say = phrases.say
    return replace(
        report, language=phrases.language, hosting=say(report.hosting), headline=say(report.headline),
        provisional=say(report.provisional), revision=say(report.revision),
        corrections=tuple(map(say, report.corrections)), as_of=say(report.as_of),
        sections=tuple(_section(one, say) for one in report.sections))


def _section(section: Section, say: Callable[[str], str]) -> Section:
    return replace(section, title=say(section.title), notes=tuple(map(say, section.notes)),
                   headings=tuple(map(say, section.headings)), rows=tuple(_row(one, say) for one in section.rows),
                   days=tuple(_day(one, say) for one in section.days))


def _row(row: Row, say: Callable[[str], str]) -> Row:
    return replace(row, cells=tuple(map(say, row.cells)))


def _day(day: Day, say: Callable[[str], str]) -> Day:
    return replace(day, detail=say(day.detail))


def languages(templates: Path) -> tuple[str, ...]:
    """English, and one per catalogue."""
    return ("en", *sorted(path.stem for path in (templates / LANGUAGES).glob("*.po")))


def load(templates: Path, language: str) -> Phrases:
    """The phrases of `language`. ConfigurationError without a catalogue, or naming each line that is wrong."""
    from babel import Locale
    from babel.messages.pofile import PoFileError, read_po

    if language == "en":
        return ENGLISH
    path = templates / LANGUAGES / f"{language}.po"
    if not path.is_file():
        raise ConfigurationError(f"there is no report in the language {language}",
                                 f"use one of {', '.join(languages(templates))}, or write {path}")
    try:
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language, abort_invalid=True)
    except (OSError, PoFileError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}", "correct the catalogue") from None
    words = {str(one.id): str(one.string) for one in catalogue if one.id}
    wrong = [f"{path.name}:{one.lineno} {str(one.id)[:60]!r}: has no words, or other placeholders than its English"
             for one in catalogue if one.id and (not one.string or set(_HOLE.findall(str(one.string)))
                                                 != set(_HOLE.findall(str(one.id))))]
    if wrong:
        raise ConfigurationError(f"{path.name} has {len(wrong)} errors", "correct the lines named", tuple(wrong))
    return Phrases(language, words, Locale.parse(language).number_symbols["latn"]["decimal"])
