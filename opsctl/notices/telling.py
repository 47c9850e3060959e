"""Everything that the parts of a letter are made of, handed round as one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from opsctl.contract.services import PRODUCT
from opsctl.core.errors import ConfigurationError
from opsctl.notices.brand import Brand
from opsctl.notices.kinds import RULES
from opsctl.notices.language import Wording
from opsctl.notices.matters import InstallFacts
from opsctl.notices.model import Block, Edition, Facts, Paragraph, Recipient, ReleaseFacts, Section
from opsctl.releases.changes import SecurityChange, Text

F_co = TypeVar("F_co", bound=Facts, covariant=True)
Installable = ReleaseFacts | InstallFacts
"""Facts with a way to a release and what it brings."""


@dataclass(frozen=True)
class Telling(Generic[F_co]):
    """Facts, recipient, edition, brand and the words of the recipient's language."""

    facts: F_co
    recipient: Recipient
    edition: Edition
    brand: Brand
    wording: Wording

    def text(self, text: Text) -> str:
        """A text of a file in the letter's language; ConfigurationError when it is not there."""
        words = text.get(self.wording.language)
        if words is None:
            raise ConfigurationError(f"a text of {self.facts.notice} has no words in {self.wording.language}",
                                     "translate it in the release file or the file of facts")
        return words

    def paragraphs(self, text: Text, *, strong: bool = False) -> tuple[Block, ...]:
        """The same as a paragraph; where the contract allows it, English stands in for a missing translation,
        and a line says so."""
        if text.get(self.wording.language) is None and not RULES[self.facts.kind].contractual:
            return (Paragraph(self.wording.say("english.text")), Paragraph(text.en, strong, language="en"))
        return (Paragraph(self.text(text), strong),)

    @property
    def target(self) -> str:
        """The version that the notice is about."""
        return self.facts.release

    @property
    def installed(self) -> str:
        """The installed version; empty when it is not known."""
        return self.facts.installed_version

    def modules(self, names: tuple[str, ...]) -> str:
        """The modules' names for people."""
        return self.wording.all_of([self._title(name) for name in names])

    def _title(self, name: str) -> str:
        title = self.facts.module_titles.get(name)
        if title is None:
            return name
        return self.text(title) if RULES[self.facts.kind].contractual else title.get(self.wording.language) or title.en


@dataclass(frozen=True)
class Body:
    """What a kind says; `letter` adds what all have. subject: the first part is never left out. why: why it came."""

    mark: str
    subject: tuple[str, ...]
    title: str
    summary: str
    opening: tuple[Block, ...]
    sections: tuple[Section, ...]
    why: str


def closed(telling: Telling[Installable]) -> tuple[SecurityChange, ...]:
    """The vulnerabilities that are closed."""
    return tuple(found.change for found in telling.facts.content.changes if isinstance(found.change, SecurityChange))


def capital(words: str) -> str:
    """A phrase that stands alone, with a capital first letter."""
    return words[:1].upper() + words[1:]


def product(version: str) -> str:
    """The product with its version."""
    return f"{PRODUCT} {version}"
