"""Pydantic's errors put into words, each with its position in the file and what to do."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from opsctl.profiles.document import Document, Location, Problem, configuration_error, read_document
from opsctl.profiles.parts import PATTERN_WORDS

T = TypeVar("T")
_DATE = "must be a date such as 2026-11-23"
_TIME = "must be a time with its zone, such as 2026-11-23T09:00:00+01:00"
_MAPPING = "must be a mapping of keys and values"
LONGEST_KEY = 48
"""A longer key is not compared with those there are."""
_WHOLE = "must be a whole number"
_TRUTH = "must be true or false"
_FIXED: Mapping[str, str] = {
    "missing": "is missing; add it",
    "string_type": "must be text; put it in quotes",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "bool_type": _TRUTH,
    "bool_parsing": _TRUTH,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "dict_type": _MAPPING,
    "tuple_type": "must be a list",
    "list_type": "must be a list",
}


def validated(adapter: TypeAdapter[T], path: Path, root: Path) -> T:
    """Read `path` (inside `root`) and validate it; ConfigurationError with all problems at once."""
    return validate_document(adapter, read_document(path, root))


def validate_document(adapter: TypeAdapter[T], document: Document) -> T:
    """Validate a document that was read; ConfigurationError with all problems at once."""
    try:
        # As JSON and strictly: a date is text and never a number, "yes" is no truth value, "5" is no number.
        result = adapter.validate_json(json.dumps(document.data), strict=True)
        found: list[Problem] = []
    except ValidationError as error:
        result = None
        found = _without_echoes([(item["type"], _problem(item, document, adapter))
                                 for item in error.errors(include_url=False, include_input=False)])
    if result is None or document.problems:
        # What is already wrong as YAML is not complained about twice.
        wrong = {problem.location for problem in document.problems}
        rest = [problem for problem in found if problem.location not in wrong]
        raise configuration_error(document.file, [*document.problems, *rest])
    return result


def _without_echoes(found: list[tuple[str, Problem]]) -> list[Problem]:
    """Drop `list too short` where the list only seems short because its entries are wrong."""
    def echo(kind: str, problem: Problem) -> bool:
        length = len(problem.location)
        return kind == "too_short" and any(
            len(other.location) > length and other.location[:length] == problem.location for _, other in found)

    return [problem for kind, problem in found if not echo(kind, problem)]


def _problem(item: Any, document: Document, adapter: TypeAdapter[Any]) -> Problem:
    kind = item["type"]
    context = item.get("ctx") or {}
    steps = item["loc"]
    if "discriminator" in _schema(adapter):
        steps = steps[1:]  # the union's tag; a key of the file may have the same name
    location = _real_location(steps, document.data, kind == "missing")
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        location = (*location, str(context["discriminator"]).strip("'"))
    return Problem(document.position(location), location, _words(kind, context, item["msg"], location, adapter))


def _real_location(loc: tuple[str | int, ...], data: Any, missing: bool) -> Location:
    """The location in the file: without the tags that pydantic puts in for unions.

    missing: the last step names a key that is not there.
    """
    result: list[str | int] = []
    for index, step in enumerate(loc):
        last = missing and index == len(loc) - 1
        if isinstance(data, Mapping):
            if step in data:
                data = data[step]
            elif not last:
                continue
            else:
                data = None
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
        elif not last or not isinstance(step, int):
            continue
        result.append(step)
    return tuple(result)


def _words(kind: str, context: Mapping[str, Any], message: str, location: Location, adapter: TypeAdapter[Any]) -> str:
    if kind in _FIXED:
        return _FIXED[kind]
    if kind.startswith(("date_", "datetime_")):
        return _TIME if kind.startswith("datetime_") and "date_from" not in kind else _DATE
    if kind == "extra_forbidden":
        words = _unknown_key(str(location[-1]) if location else "", adapter)
    elif kind in {"union_tag_invalid", "union_tag_not_found"}:
        words = f"must be exactly one of {context.get('expected_tags', _tags(adapter))}"
    elif kind in {"literal_error", "enum"}:
        words = f"must be one of {context.get('expected', '')}"
    elif kind == "string_pattern_mismatch":
        pattern = str(context.get("pattern", ""))
        words = PATTERN_WORDS.get(pattern, f"has the wrong form; it must match {pattern}")
    elif kind in {"too_short", "string_too_short"}:
        words = "is empty; give it at least one entry"
    else:
        words = message.removeprefix("Value error, ").replace("Input should", "should")
    return words


def _unknown_key(key: str, adapter: TypeAdapter[Any]) -> str:
    known = _keys(adapter)
    if key in known:
        return "does not belong here; remove it (`hosting` and `kind` decide which keys there are)"
    near = difflib.get_close_matches(key, known, n=1) if len(key) <= LONGEST_KEY else []
    return "is not a known key; " + (f"did you mean {near[0]}?" if near else "remove it or correct its spelling")


@lru_cache
def _schema(adapter: TypeAdapter[Any]) -> Mapping[str, Any]:
    """Made once: a file of thousands of errors must not make it thousands of times."""
    return adapter.json_schema()


@lru_cache
def _keys(adapter: TypeAdapter[Any]) -> tuple[str, ...]:
    return tuple(sorted(set(_known_keys(_schema(adapter)))))


def _known_keys(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        properties = schema.get("properties")
        if isinstance(properties, Mapping):
            yield from properties
        for value in schema.values():
            yield from _known_keys(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _known_keys(value)


def _tags(adapter: TypeAdapter[Any]) -> str:
    mapping = _schema(adapter).get("discriminator", {}).get("mapping", {})
    return ", ".join(f"'{tag}'" for tag in mapping)


