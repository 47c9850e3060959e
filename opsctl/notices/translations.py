"""The languages' words: gettext catalogues in templates/notices/languages, each checked against English.

`messages.pot` is the reference: keys (msgctxt) with the English words. `da.po`, `de.po` and any further `LANGUAGE.po`
translate it. A catalogue whose English is not that of the reference is out of date. A customer's own catalogues hold
only what is worded otherwise for it; there English is `en.po`.
"""

from __future__ import annotations

import gettext
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import PoFileError, read_po

from opsctl.core.errors import ConfigurationError
from opsctl.notices.language import PATTERNS, Wording
from opsctl.notices.layers import LANGUAGES, Layers
from opsctl.profiles.parts import Language

REFERENCE: Language = "en"
REFERENCE_FILE = "messages.pot"
_BAD = "?"
_ENGLISH_PLURAL = "(n != 1)"


class MissingWords(ConfigurationError):
    """A language has no catalogue, or one with gaps."""


@dataclass(frozen=True)
class _Entry:
    """One message: its English forms, its words (empty where it has none), and where it stands."""

    english: tuple[str, ...]
    words: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class _Read:
    """One file. plural: the expression that chooses a form."""

    file: str
    entries: Mapping[str, _Entry]
    plural: str


def languages(layers: Layers) -> tuple[Language, ...]:
    """Those there are: English and one per catalogue."""
    return (REFERENCE, *sorted(path.stem for path in (layers.base / LANGUAGES).glob("*.po")))


def names(layers: Layers, language: Language) -> tuple[str, ...]:
    """The files, below a layer, that the words of `language` come from."""
    own = f"{LANGUAGES}/{language}.po"
    found = [f"{LANGUAGES}/{REFERENCE_FILE}"]
    if language != REFERENCE or (layers.own is not None and (layers.own / own).is_file()):
        found.append(own)
    return tuple(found)


def load(layers: Layers, language: Language) -> Wording:
    """The words of `language`, the customer's own before everybody's.

    Raises MissingWords when there is no such language or its catalogue has gaps, ConfigurationError for what is
    wrong otherwise; both name file and line.
    """
    files = [folder / name for folder in layers.folders for name in names(layers, language)]
    return _load(layers, language, tuple(_stamp(path) for path in files))


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=64)
def _load(layers: Layers, language: Language, _changed: tuple[tuple[int, int], ...]) -> Wording:
    folder = layers.base / LANGUAGES
    reference = _read(folder / REFERENCE_FILE, english=True)
    english = language == REFERENCE
    if not english and not (folder / f"{language}.po").is_file():
        raise MissingWords(f"there are no words in the language {language}: {folder / f'{language}.po'} does not exist",
                           f"use one of {', '.join(languages(layers))}, or translate {REFERENCE_FILE}")
    found = reference if english else _read(folder / f"{language}.po")
    problems = [*_bad_placeholders(found), *([] if english else _wrong(found, reference))]
    entries = dict(found.entries)
    own = layers.own / LANGUAGES / f"{language}.po" if layers.own is not None else None
    if own is not None and own.is_file():
        override = _read(own)
        problems += [*_bad_placeholders(override), *_unknown(override, reference)]
        entries |= override.entries
    if problems:
        raise ConfigurationError(_title(found.file, len(problems)), "correct the lines named", tuple(problems))
    gaps = [] if english else list(_gaps(found, entries, reference))
    if gaps:
        raise MissingWords(_title(found.file, len(gaps)), f"translate them from {REFERENCE_FILE}", tuple(gaps))
    return Wording(language, _locale(language), dict(_forms(entries)), found.file,
                   gettext.c2py(found.plural))


def _read(path: Path, *, english: bool = False) -> _Read:
    try:
        with path.open("rb") as file:
            catalog: Catalog = read_po(file, abort_invalid=True)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}",
                                 "name the folder in opsctl.yml under `templates`, or run opsctl where it is") from None
    except PoFileError as error:
        raise ConfigurationError(f"{path}:{error.lineno} is no gettext catalogue: {error.args[0]}",
                                 "correct it; `msgfmt --check` helps") from None
    except (ValueError, UnicodeDecodeError, UnknownLocaleError):
        raise ConfigurationError(f"{path} cannot be read as a gettext catalogue in UTF-8",
                                 "correct it; `msgfmt --check` helps") from None
    entries = {message.context or "": _entry(message, english) for message in catalog if message.id}
    return _Read(str(path), entries, _ENGLISH_PLURAL if english else catalog.plural_expr)


def _entry(message: Message, english: bool) -> _Entry:
    said = message.id if isinstance(message.id, tuple | list) else (message.id,)
    words = message.string if isinstance(message.string, tuple | list) else (message.string,)
    forms = tuple(said) if english else tuple(word or "" for word in words)
    # A fuzzy entry is a guess of a tool, nobody's translation.
    whole = all(forms) and not (message.fuzzy and not english)
    return _Entry(tuple(said), forms if whole else (), message.lineno or 1)


def _locale(language: Language) -> Locale:
    try:
        return Locale.parse(language)
    except (UnknownLocaleError, ValueError):
        raise ConfigurationError(f"{language} is no language that CLDR knows", "correct the catalogue's name") from None


def _forms(entries: Mapping[str, _Entry]) -> Iterator[tuple[str, str]]:
    for key, entry in entries.items():
        if len(entry.english) == 1:
            yield key, entry.words[0]
        else:
            yield from ((f"{key}.{index}", form) for index, form in enumerate(entry.words))


def _wrong(found: _Read, reference: _Read) -> Iterator[str]:
    yield from _unknown(found, reference)
    for key, entry in found.entries.items():
        meant = reference.entries.get(key)
        if meant is not None and entry.words and entry.english != meant.english:
            yield f"{found.file}:{entry.line} {key}: translates an older English text; look at {REFERENCE_FILE}"


def _unknown(found: _Read, reference: _Read) -> Iterator[str]:
    for key, entry in found.entries.items():
        if key not in reference.entries:
            yield f"{found.file}:{entry.line} {key or 'a message without msgctxt'}: is no key of {REFERENCE_FILE}"


def _gaps(found: _Read, entries: Mapping[str, _Entry], reference: _Read) -> Iterator[str]:
    for key in reference.entries:
        if key not in entries or not entries[key].words:
            line = entries[key].line if key in entries else 1
            yield f"{found.file}:{line} {key}: is missing; translate it from {REFERENCE_FILE}"


def _bad_placeholders(found: _Read) -> Iterator[str]:
    for key, entry in found.entries.items():
        if key.split(".")[0] == PATTERNS:
            continue
        wanted = _placeholders(entry.english[-1])
        if any(_placeholders(form) != wanted for form in entry.words) or _BAD in wanted:
            yield f"{found.file}:{entry.line} {key}: must have the placeholders of its English, as {{name}}"


def _placeholders(text: str) -> frozenset[str]:
    """The names in braces; `?` stands for what is not a plain name in braces."""
    try:
        fields = [(name, spec, conversion) for _, name, spec, conversion in string.Formatter().parse(text)
                  if name is not None]
    except ValueError:
        return frozenset({_BAD})
    return frozenset(name if name.isidentifier() and not spec and not conversion else _BAD
                     for name, spec, conversion in fields)


def _title(file: str, count: int) -> str:
    return f"{file} has {count} error{'' if count == 1 else 's'}"
