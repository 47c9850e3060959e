"""The changes and known issues of a release, with their text per language."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, field_validator, model_validator

from opsctl.profiles.parts import LANGUAGE, ErrorId, Identifier, Language, Part
from opsctl.releases.severity import Severity, base_score, severity
from opsctl.releases.version import RangeField

Words = Annotated[str, Field(min_length=1, max_length=1000)]
CveId = Annotated[str, Field(pattern=r"^CVE-[0-9]{4}-[0-9]{4,19}$")]


class Text(Part):
    """Words for customers by language. English is mandatory; a notice in another language needs that one too."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True,
                              json_schema_extra={"patternProperties": {LANGUAGE: {"type": "string"}},
                                                 "additionalProperties": False})
    __pydantic_extra__: dict[str, Words]

    en: Words

    @model_validator(mode="after")
    def _lines(self) -> Text:
        for language, words in (("en", self.en), *(self.__pydantic_extra__ or {}).items()):
            if not re.fullmatch(LANGUAGE, language):
                raise ValueError("has a key that is no language; write two small letters such as da")
            if words != " ".join(words.split()) or not words.isprintable():
                raise ValueError(f"{language}: must be one line without control characters and doubled spaces")
        return self

    def get(self, language: Language) -> str | None:
        """The words in `language`, or None when they are not there."""
        return self.en if language == "en" else (self.__pydantic_extra__ or {}).get(language)


class _Entry(Part):
    """What all changes share. `modules` empty: it concerns everyone."""

    text: Text
    modules: tuple[Identifier, ...] = ()

    @property
    def ids(self) -> frozenset[str]:
        """The ids by which the same change is known again in another release."""
        return frozenset()


class SecurityChange(_Entry):
    """A vulnerability that is closed. `affected`: the versions that have it; left out means all earlier ones."""

    type: Literal["security"]
    error: ErrorId | None = None
    cve: tuple[CveId, ...] = ()
    cvss: str = Field(description="CVSS 3 base vector.")
    exploited: bool = Field(description="Whether exploitation is known; it raises the severity by one step.")
    affected: RangeField | None = None
    workaround: Text | None = None

    @field_validator("cvss", mode="after")
    @classmethod
    def _is_vector(cls, value: str) -> str:
        base_score(value)
        return value

    @model_validator(mode="after")
    def _has_id(self) -> SecurityChange:
        if not self.ids:
            raise ValueError("has neither error nor cve; name at least one")
        return self

    @property
    def ids(self) -> frozenset[str]:
        return frozenset((*self.cve, *((self.error,) if self.error else ())))

    @property
    def score(self) -> float:
        """The CVSS base score."""
        return base_score(self.cvss)

    @property
    def severity(self) -> Severity:
        """One of four words; exploitation raises it by one step."""
        return severity(self.cvss, self.exploited)


class FixChange(_Entry):
    """An error that is corrected; cites the id it was reported under (P08)."""

    type: Literal["fix"]
    error: ErrorId
    affected: RangeField | None = None
    workaround: Text | None = None

    @property
    def ids(self) -> frozenset[str]:
        return frozenset((self.error,))


class FeatureChange(_Entry):
    """Something new."""

    type: Literal["feature"]


class BehaviourChange(_Entry):
    """Something that works differently, is deprecated or is removed."""

    type: Literal["change"]


Change = Annotated[SecurityChange | FixChange | FeatureChange | BehaviourChange, Field(discriminator="type")]


class KnownIssue(Part):
    """A problem that the release has and that is not yet solved."""

    error: ErrorId
    text: Text
    workaround: Text | None = None
    modules: tuple[Identifier, ...] = ()
