"""Everything that the parts of a letter are made of, handed round as one value."""

from __future__ import annotations

from dataclasses import dataclass

from opsctl.contract.services import PRODUCT
from opsctl.core.errors import ConfigurationError
from opsctl.notices.brand import Brand
from opsctl.notices.language import Wording
from opsctl.notices.model import Edition, Facts, Recipient
from opsctl.releases.changes import SecurityChange, Text


@dataclass(frozen=True)
class Telling:
    """Facts, recipient, edition, brand and the words of the recipient's language."""

    facts: Facts
    recipient: Recipient
    edition: Edition
    brand: Brand
    wording: Wording

    def text(self, text: Text) -> str:
        """A text of a release file in the letter's language; ConfigurationError when it is not there."""
        words = text.get(self.wording.language)
        if words is None:
            raise ConfigurationError(f"a text of {PRODUCT} {self.target} has no words in {self.wording.language}",
                                     "translate it in the release file")
        return words

    @property
    def target(self) -> str:
        """The version that the notice is about."""
        return str(self.facts.way.target.version)

    @property
    def installed(self) -> str:
        """The installed version; empty when it is not known."""
        return str(self.facts.way.installed) if self.facts.way.installed else ""

    def modules(self, names: tuple[str, ...]) -> str:
        """The modules' names for people."""
        titles = self.facts.module_titles
        return self.wording.all_of([self.text(titles[name]) if name in titles else name for name in names])

    def security(self) -> tuple[SecurityChange, ...]:
        """The vulnerabilities that are closed."""
        return tuple(found.change for found in self.facts.content.changes if isinstance(found.change, SecurityChange))
