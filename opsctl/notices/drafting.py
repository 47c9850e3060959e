"""The files of a draft: for each contact text, HTML and mail, and notice.json over all of them.

The same facts, contacts, edition and templates give the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opsctl.core.clock import iso
from opsctl.core.errors import ConfigurationError
from opsctl.core.pretty import pretty
from opsctl.notices import advisory, calendar_part, mail, render, translations
from opsctl.notices import brand as brands
from opsctl.notices import facts as facts_data
from opsctl.notices.brand import Brand
from opsctl.notices.kinds import RULES
from opsctl.notices.layers import Layers
from opsctl.notices.letter import compose
from opsctl.notices.model import Edition, Facts, Letter, Recipient
from opsctl.notices.telling import Telling
from opsctl.profiles.model import Profile

SUMMARY = "notice.json"
HTML_LIMIT = 100_000
"""Bytes; larger mails are cut by some readers."""


@dataclass(frozen=True)
class Files:
    """The bytes by file name. sha256: of notice.json, which holds the hash of every other file."""

    content: Mapping[str, bytes]
    subjects: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """The one hash that stands for the whole draft."""
        return hashlib.sha256(self.content[SUMMARY]).hexdigest()

    @property
    def large(self) -> tuple[str, ...]:
        """HTML files that some mail readers would cut."""
        return tuple(name for name, content in self.content.items()
                     if name.endswith(".html") and len(content) > HTML_LIMIT)


def refuse_samples(profile: Profile, facts: Facts, brand: Brand) -> None:
    """ConfigurationError when invented contact data or releases would reach a real customer."""
    if not profile.sample and brand.sample:
        raise ConfigurationError("the contact data in templates/notices/brand.yml are samples, the customer is not",
                                 "put your own contact data there and set `sample: false`")
    if not profile.sample and facts.sample:
        raise ConfigurationError(f"what {facts.notice} is about, or a stop on the way to it, is a sample release or "
                                 "advisory; the customer is not", "name your own releases folder in opsctl.yml")


def files(facts: Facts, recipients: Sequence[Recipient], edition: Edition, brand: Brand, layers: Layers) -> Files:
    """All files of the draft; ConfigurationError when words are missing or a value may not stand in a header."""
    content: dict[str, bytes] = {}
    entries: list[dict[str, Any]] = []
    security = advisory.content(facts, edition, brand)
    if security is not None:
        content[security[0]] = security[1]
    for number, recipient in enumerate(recipients, start=1):
        stem = "message" if number == 1 else f"message-{number}"
        letter = composed(facts, recipient, edition, brand, layers)
        text, html = render.text(letter, brand, layers), render.html(letter, brand, layers)
        own = {f"{stem}.txt": text.encode(), f"{stem}.html": html.encode()}
        event = calendar_part.content(letter, facts, recipient, edition, brand)
        content |= own
        content[f"{stem}.eml"] = mail.render(letter, mail.Parts(text, html, event, security), notice=facts.notice,
                                             customer=facts.customer, recipient=recipient, edition=edition, brand=brand)
        if event is not None:
            content[f"{stem}.ics"] = event
        entries.append({
            "files": [name for kind in ("txt", "html", "eml", "ics") if (name := f"{stem}.{kind}") in content],
            "name": recipient.name, "address": recipient.address, "language": recipient.language,
            "subject": letter.subject,
            "message_id": mail.message_id(facts.notice, edition.revision, facts.customer, recipient.address,
                                          brand.domain)})
    content[SUMMARY] = _summary(facts, edition, entries, content)
    return Files(content, tuple(entry["subject"] for entry in entries))


def composed(facts: Facts, recipient: Recipient, edition: Edition, brand: Brand, layers: Layers) -> Letter:
    """The letter in the recipient's language. Where the contract does not ask for the notice, a language without a
    complete catalogue gives way to English, and the letter says so; otherwise MissingWords."""
    try:
        wording = translations.load(layers, recipient.language)
    except translations.MissingWords:
        if RULES[facts.kind].contractual:
            raise
        wording = translations.load(layers, translations.REFERENCE)
    return compose(Telling(facts, recipient, edition, brand, wording),
                   in_english=wording.language != recipient.language)


def fingerprints(facts: Facts, recipients: Sequence[Recipient], layers: Layers) -> dict[str, str]:
    """A short hash of each part of the facts, and of templates, brand and the words in use."""
    used = {brands.FILE, *(render.COMMON + suffix for suffix in (render.TEXT, render.HTML))}
    for recipient in recipients:
        used.update(name for name in translations.names(layers, recipient.language)
                    if any((folder / name).is_file() for folder in layers.folders))
    used.update(name for suffix in (render.TEXT, render.HTML) for name in render.names(facts.kind, suffix)
                if any((folder / name).is_file() for folder in layers.folders))
    return facts_data.fingerprints({**facts_data.parts(facts),
                                    facts_data.WORDING: layers.fingerprint(tuple(sorted(used)))})


def _summary(facts: Facts, edition: Edition, entries: Sequence[Mapping[str, Any]], content: Mapping[str, bytes]
             ) -> bytes:
    data = {
        "schema_version": 1, "notice": facts.notice, "revision": edition.revision, "kind": facts.kind.value,
        "customer": facts.customer, "drafted_at": iso(edition.date), "changed": list(edition.changed),
        "facts": facts_data.parts(facts), "recipients": list(entries),
        "sha256": {name: hashlib.sha256(found).hexdigest() for name, found in content.items()},
    }
    return f"{pretty(data)}\n".encode()
