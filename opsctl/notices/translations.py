"""The languages' words read from templates/notices/languages, each checked against English."""

from __future__ import annotations

import string
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from babel import Locale

from opsctl.notices.language import PATTERNS, Wording
from opsctl.profiles.document import Document, Location, Problem, configuration_error, path_text, read_document
from opsctl.profiles.parts import Language

REFERENCE: Language = "en"
_LOCALES: Mapping[Language, str] = {"en": "en", "da": "da", "de": "de"}
_BAD = "?"


def load(folder: Path, language: Language) -> Wording:
    """The words of `language` from `folder`/languages; ConfigurationError naming each missing key and the file."""
    return _load(folder / "languages", language, _stamp(folder / "languages" / f"{language}.yml"),
                 _stamp(folder / "languages" / f"{REFERENCE}.yml"))


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=16)
def _load(folder: Path, language: Language, _changed: tuple[int, int], _reference_changed: tuple[int, int]) -> Wording:
    document = read_document(folder / f"{language}.yml", folder)
    words = _words(document)
    locale = Locale.parse(_LOCALES[language])
    reference = words if language == REFERENCE else _words(read_document(folder / f"{REFERENCE}.yml", folder))
    problems = [*document.problems, *_differences(words, reference, document, locale)]
    if problems:
        raise configuration_error(document.file, problems)
    return Wording(language, locale, {path_text(key): text for key, text in words.items()}, document.file)


def _words(document: Document) -> dict[Location, str]:
    def walk(node: object, location: Location) -> Iterator[tuple[Location, str]]:
        if isinstance(node, Mapping):
            for key, value in node.items():
                yield from walk(value, (*location, key))
        elif isinstance(node, str) and node.strip():
            yield location, node
        else:
            where = document.position(location)
            document.problems.append(Problem(where, location, "must be words; put them in quotes"))

    return dict(walk(document.data, ()))


def _differences(words: Mapping[Location, str], reference: Mapping[Location, str], document: Document, locale: Locale
                 ) -> Iterator[Problem]:
    """Keys that are missing or not known, and placeholders that are not those of English."""
    plurals = {key[:-1] for key in reference if key[-1] == "other"}
    forms = {*locale.plural_form.tags, "other"}
    wanted = {key: reference[key] for key in reference if key[:-1] not in plurals}
    wanted.update({(*key, form): reference[(*key, "other")] for key in plurals for form in forms})
    for key in wanted.keys() - words.keys():
        yield Problem(document.position(key), key, f"is missing; translate it from {REFERENCE}.yml")
    for key, text in words.items():
        if key not in wanted:
            yield Problem(document.position(key), key, f"is not a key of {REFERENCE}.yml; remove or correct it")
        elif key[0] != PATTERNS and (_placeholders(text) != _placeholders(wanted[key]) or _BAD in _placeholders(text)):
            yield Problem(document.position(key), key, f"must have the placeholders of {REFERENCE}.yml, as {{name}}")


def _placeholders(text: str) -> frozenset[str]:
    """The names in braces; `?` stands for what is not a plain name in braces."""
    try:
        fields = [(name, spec, conversion) for _, name, spec, conversion in string.Formatter().parse(text)
                  if name is not None]
    except ValueError:
        return frozenset({_BAD})
    return frozenset(name if name.isidentifier() and not spec and not conversion else _BAD
                     for name, spec, conversion in fields)
