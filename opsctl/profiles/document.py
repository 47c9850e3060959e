"""A YAML file read with positions, and validated with every error at once as `file:line:column path: what`.

YAML is read by 1.2's rules for booleans and numbers, and what would be read otherwise than it looks
(`no`, `22:30`, `010`, duplicate keys, aliases, tags) is an error instead of a surprise.
No message ever quotes a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml

from opsctl.core.errors import ConfigurationError
from opsctl.core.text import printable, unprintable

MAXIMUM_BYTES = 512 * 1024
MAXIMUM_DEPTH = 20
T = TypeVar("T")
Location = tuple[str | int, ...]
Position = tuple[int, int]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NORWAY = re.compile(r"^(y|n|yes|no|on|off)$", re.IGNORECASE)
_SEXAGESIMAL = re.compile(r"^[-+]?\d+(:[0-5]?\d)+(\.\d*)?$")
_ODD_NUMBER = re.compile(r"^[-+]?(0\d+|0[box][0-9a-fA-F_]+|\d+_[\d_]+)$")
_INTEGER = re.compile(r"^[-+]?(0|[1-9]\d*)$")
_FLOAT = re.compile(r"^[-+]?(\d+\.\d*|\.\d+|\d+(\.\d*)?[eE][-+]?\d+)$")


@dataclass(frozen=True)
class Problem:
    """One error: where (line and column from 1) and what, with what to do."""

    position: Position
    location: Location
    text: str

    def line(self, file: str) -> str:
        """`file:line:column path: what, and what to do`."""
        path = path_text(self.location)
        return f"{file}:{self.position[0]}:{self.position[1]} {path + ': ' if path else ''}{self.text}"


@dataclass
class Document:
    """Plain data of a file with the position of each key and value.

    problems: what is wrong with single values already as YAML; validation adds its own to them, so that
    a reader sees all at once.
    """

    file: str
    data: Any
    positions: dict[Location, Position] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def position(self, location: Location) -> Position:
        """The position of `location`, or of the nearest parent that is there."""
        for length in range(len(location), -1, -1):
            if location[:length] in self.positions:
                return self.positions[location[:length]]
        return (1, 1)


def path_text(location: Iterable[str | int]) -> str:
    """`hosts[0].port` for ("hosts", 0, "port"); over-long keys are cut."""
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f"{'.' if text else ''}{printable(step[:48])}"
    return text


def read_document(path: Path, root: Path) -> Document:
    """Read `path`, which must lie inside `root` also after symbolic links are followed.

    Raises ConfigurationError when it cannot be read as one plain YAML document. Pass the result on to
    `validation.validate_document`, which also raises what is in `problems`.
    """
    file = str(path)
    text = _text(path, root, file)
    try:
        _refuse_expansion(text, file)
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        raise configuration_error(file, [_syntax_problem(error, text)]) from None
    except (yaml.YAMLError, RecursionError):
        raise configuration_error(file, [Problem((1, 1), (), "cannot be read as YAML; check for stray characters")]
                                  ) from None
    if node is None:
        raise configuration_error(file, [Problem((1, 1), (), "is empty; see CONTRIBUTING.md for a first profile")])
    document = Document(file, None)
    document.data = _value(node, (), document)
    return document


def configuration_error(file: str, problems: Iterable[Problem]) -> ConfigurationError:
    """One error for all `problems` of `file`, in the order of the file."""
    found = sorted(problems, key=lambda problem: problem.position)
    count = "1 error" if len(found) == 1 else f"{len(found)} errors"
    return ConfigurationError(f"{file} has {count}", "correct the lines named",
                              tuple(problem.line(file) for problem in found))


def _text(path: Path, root: Path, file: str) -> str:
    try:
        resolved = path.resolve(strict=True)
        inside = resolved.is_relative_to(root.resolve(strict=True))
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigurationError(f"{file} does not exist", "check the name, or create it") from None
    except (OSError, RuntimeError):
        raise ConfigurationError(f"{file} cannot be resolved", "look for a loop of symbolic links") from None
    if not inside:
        raise ConfigurationError(f"{file} leads out of {root} by a symbolic link", "put the file itself there")
    if not resolved.is_file():
        raise ConfigurationError(f"{file} is not a regular file", "put a YAML file there")
    if resolved.stat().st_size > MAXIMUM_BYTES:
        raise ConfigurationError(f"{file} is larger than {MAXIMUM_BYTES // 1024} KiB", "keep to what the schema knows")
    try:
        raw = resolved.read_bytes()
        return raw.decode("utf-8-sig")
    except PermissionError:
        raise ConfigurationError(f"{file} cannot be read", "give the user who runs opsctl the right to read it"
                                 ) from None
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        raise configuration_error(file, [Problem((line, column), (), "is not UTF-8; save the file as UTF-8")]) from None


def _syntax_problem(error: yaml.MarkedYAMLError, text: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    position = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    line = text.splitlines()[position[0] - 1] if mark and position[0] <= len(text.splitlines()) else ""
    if "\t" in line[: len(line) - len(line.lstrip())] or "'\\t'" in str(error.problem):
        return Problem(position, (), "a tab indents this line; indent with spaces")
    # The library's problem text names characters of the syntax, never a value.
    what = re.sub(r"'[^']{2,}'", "a token", str(error.problem or "cannot be read"))
    return Problem(position, (), f"is not valid YAML ({what}); check indentation, colons and quotes")


def _refuse_expansion(text: str, file: str) -> None:
    """Refuse what could explode or overflow before anything is built: aliases and deep nesting."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        what = ""
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            what = "anchors and aliases are not read; write the value out"
        elif depth > MAXIMUM_DEPTH:
            what = f"nests deeper than {MAXIMUM_DEPTH} levels; flatten it"
        if what:
            raise configuration_error(file, [Problem(_at(event), (), what)])


def _value(node: yaml.Node, location: Location, document: Document) -> Any:
    document.positions.setdefault(location, _at(node))
    if not node.tag.startswith("tag:yaml.org,2002:") or "python" in node.tag:
        document.problems.append(Problem(_at(node), location, "tags are not read; write a plain value"))
        return None
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, location, document)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*location, index), document) for index, item in enumerate(node.value)]
    return _scalar(node, location, document)


def _at(node: Any) -> Position:
    """Line and column from 1, of a node or an event."""
    return (node.start_mark.line + 1, node.start_mark.column + 1)


def _mapping(node: yaml.MappingNode, location: Location, document: Document) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode) or key_node.value == "<<":
            document.problems.append(Problem(_at(key_node), location, "a key must be a plain word"))
            continue
        key = str(key_node.value)
        here = (*location, key)
        if key in result:
            again = f"stands twice, first in line {document.positions[here][0]}; remove one"
            document.problems.append(Problem(_at(key_node), here, again))
            continue
        document.positions[here] = _at(key_node)
        result[key] = _value(value_node, here, document)
    return result


def _scalar(node: Any, location: Location, document: Document) -> Any:
    text = str(node.value)
    if unprintable(text):
        document.problems.append(Problem(_at(node), location, "holds a character that does not print; remove it"))
        return "?"
    if node.style:
        return text
    what = ""
    if _NORWAY.match(text):
        what = "YAML readers disagree on this word; write true or false, or put it in quotes"
    elif _SEXAGESIMAL.match(text):
        what = "is read as a number by many YAML readers; put it in quotes"
    elif _ODD_NUMBER.match(text):
        what = "YAML readers disagree on this number; write it in decimal, or put it in quotes"
    if what:
        document.problems.append(Problem(_at(node), location, what))
    return _plain(text)


def _plain(text: str) -> Any:
    if text in {"", "~", "null", "Null", "NULL"}:
        return None
    if text in {"true", "True", "TRUE", "false", "False", "FALSE"}:
        return text[0] in "tT"
    if _INTEGER.match(text) and len(text) < 20:
        return int(text)
    return float(text) if _FLOAT.match(text) else text
