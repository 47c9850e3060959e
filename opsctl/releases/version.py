"""Versions by Semantic Versioning 2.0.0, with their order, and ranges of them.

Build metadata (`+...`) is refused: two releases that differ only there would have no order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import total_ordering
from operator import eq, ge, gt, le, lt
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

_NUMBER = r"(?:0|[1-9][0-9]{0,8})"
_IDENTIFIER = rf"(?:{_NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)"
_CORE = rf"({_NUMBER})\.({_NUMBER})\.({_NUMBER})"
_PATTERN = rf"{_CORE}(?:-({_IDENTIFIER}(?:\.{_IDENTIFIER})*))?"
_VERSION = re.compile(_PATTERN)
_TERM = re.compile(rf"(>=|<=|>|<|=)({_PATTERN})")
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {">=": ge, "<=": le, ">": gt, "<": lt, "=": eq}


class Step(StrEnum):
    """How far one version lies from the one before it."""

    PATCH = "patch"
    MINOR = "minor"
    MAJOR = "major"


@total_ordering
@dataclass(frozen=True, eq=True)
class Version:
    """A version. `pre` holds the dot-separated parts of a pre-release; empty for a final release."""

    major: int
    minor: int
    patch: int
    pre: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Version:
        """The version written as `text`; ValueError saying what is expected."""
        match = _VERSION.fullmatch(text)
        if match is None:
            raise ValueError("is not a version; write three numbers such as 5.4.2, or 6.0.0-rc.1 for a pre-release")
        major, minor, patch, pre = match.groups()
        return cls(int(major), int(minor), int(patch), tuple(pre.split(".")) if pre else ())

    @property
    def core(self) -> tuple[int, int, int]:
        """The three numbers."""
        return (self.major, self.minor, self.patch)

    @property
    def branch(self) -> str:
        """The maintained branch, such as `5.4`."""
        return f"{self.major}.{self.minor}"

    def step_from(self, previous: Version) -> Step:
        """The step from `previous` up to this version; ValueError when it does not go up."""
        if self.core <= previous.core:
            raise ValueError("does not lie above the previous release")
        if self.major != previous.major:
            return Step.MAJOR
        return Step.MINOR if self.minor != previous.minor else Step.PATCH

    def __str__(self) -> str:
        core = f"{self.major}.{self.minor}.{self.patch}"
        return f"{core}-{'.'.join(self.pre)}" if self.pre else core

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Version):
            return NotImplemented
        return self._order() < other._order()

    def _order(self) -> tuple[tuple[int, int, int], bool, tuple[tuple[bool, int, str], ...]]:
        # Section 11: a final release follows its pre-releases; numbers go before words; fewer parts before more.
        parts = tuple((not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in self.pre)
        return (self.core, not self.pre, parts)


@dataclass(frozen=True)
class VersionRange:
    """Versions that meet all of `terms`, such as (">=", 5.0.0) and ("<", 5.4.2)."""

    terms: tuple[tuple[str, Version], ...]

    @classmethod
    def parse(cls, text: str) -> VersionRange:
        """The range written as `text`: terms separated by spaces; ValueError saying what is expected."""
        terms = []
        for word in text.split():
            match = _TERM.fullmatch(word)
            if match is None:
                raise ValueError('is not a range of versions; write for example ">=5.0.0 <5.4.2"')
            terms.append((match.group(1), Version.parse(match.group(2))))
        if not terms:
            raise ValueError('is empty; write a range such as ">=5.0.0"')
        return cls(tuple(terms))

    def __contains__(self, version: Version) -> bool:
        return all(_COMPARE[sign](version, bound) for sign, bound in self.terms)

    def __str__(self) -> str:
        return " ".join(f"{sign}{version}" for sign, version in self.terms)


def _version(value: object) -> Version:
    if isinstance(value, Version):
        return value
    if not isinstance(value, str):
        raise ValueError("must be text such as 5.4.2")
    return Version.parse(value)


def _range(value: object) -> VersionRange:
    if isinstance(value, VersionRange):
        return value
    if not isinstance(value, str):
        raise ValueError('must be text such as ">=5.0.0 <5.4.2"')
    return VersionRange.parse(value)


VersionField = Annotated[Version, PlainValidator(_version), PlainSerializer(str),
                         WithJsonSchema({"type": "string", "pattern": f"^{_PATTERN}$"})]
RangeField = Annotated[VersionRange, PlainValidator(_range), PlainSerializer(str), WithJsonSchema({"type": "string"})]
