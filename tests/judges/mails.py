"""Every kind of notice in every language, as files that judges read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from opsctl.notices import brand as brands
from opsctl.notices import drafting, examples, translations
from opsctl.notices.layers import Layers
from opsctl.notices.model import Edition, Facts, Recipient
from opsctl.notices.outgoing import outgoing

TEMPLATES = Layers(Path(__file__).resolve().parents[2] / "templates" / "notices")
BRAND = brands.load(TEMPLATES)
LANGUAGES = translations.languages(TEMPLATES)
EDITION = Edition(2, examples.NOW, ("wording",))


@dataclass(frozen=True)
class Mail:
    """One message. folder: the draft's files, and sent.eml, what leaves."""

    facts: Facts
    recipient: Recipient
    folder: Path
    subject: str
    message_id: str

    @property
    def name(self) -> str:
        return self.folder.name

    def file(self, ending: str) -> Path | None:
        """The first file whose name ends so; None when the notice has none."""
        return next((path for path in sorted(self.folder.iterdir()) if path.name.endswith(ending)), None)


def write(facts: Facts, recipient: Recipient, folder: Path) -> Mail:
    """Draft one message into `folder`, and what would leave."""
    folder.mkdir(parents=True)
    made = drafting.files(facts, (recipient,), EDITION, BRAND, TEMPLATES)
    for name, content in made.content.items():
        (folder / name).write_bytes(content)
    [entry] = json.loads(made.content[drafting.SUMMARY])["recipients"]
    (folder / "sent.eml").write_bytes(outgoing(made.content["message.eml"], recipient, BRAND, examples.NOW,
                                               entry["subject"], entry["message_id"]))
    return Mail(facts, recipient, folder, entry["subject"], entry["message_id"])


def every(folder: Path) -> list[Mail]:
    """All kinds in all languages."""
    return [write(facts, Recipient("Ærlig Anna", "anna@customer.example", language),
                  folder / f"{number:02}-{facts.kind.value}-{language}")
            for number, facts in enumerate(examples.every(LANGUAGES)) for language in LANGUAGES]
