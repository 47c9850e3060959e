"""The files of a draft: for each contact text, HTML and mail, and notice.json over all of them.

The same facts, contacts, edition and templates give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opsctl.contract.services import PRODUCT
from opsctl.core.clock import iso
from opsctl.core.errors import ConfigurationError
from opsctl.notices import facts as facts_data
from opsctl.notices import mail, render, translations
from opsctl.notices.brand import Brand
from opsctl.notices.letter import compose
from opsctl.notices.model import Edition, Facts, Recipient
from opsctl.notices.planning import required_texts
from opsctl.notices.telling import Telling
from opsctl.profiles.model import Profile
from opsctl.releases.catalogue import Catalogue

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


def missing_texts(facts: Facts, languages: Iterable[str], catalogue: Catalogue) -> Iterator[str]:
    """`file key: what` for each text that a contact's language lacks; a contract notice never mixes languages."""
    wanted = sorted(set(languages))
    for version, key, text in required_texts(facts):
        for language in wanted:
            if getattr(text, language) is None:
                yield f"{catalogue.files[version]} {key}.{language}: is missing; translate it from en"


def refuse_samples(profile: Profile, facts: Facts, brand: Brand) -> None:
    """ConfigurationError when invented contact data or releases would reach a real customer."""
    if not profile.sample and brand.sample:
        raise ConfigurationError("the contact data in templates/notices/brand.yml are samples, the customer is not",
                                 "put your own contact data there and set `sample: false`")
    if not profile.sample and facts.sample:
        raise ConfigurationError(f"{PRODUCT} {facts.way.target.version} or a stop on the way to it is a sample "
                                 "release, the customer is not", "name your own releases folder in opsctl.yml")


def files(facts: Facts, recipients: Sequence[Recipient], edition: Edition, brand: Brand, templates: Path) -> Files:
    """All files of the draft; ConfigurationError when words are missing or a value may not stand in a header."""
    content: dict[str, bytes] = {}
    entries: list[dict[str, Any]] = []
    for number, recipient in enumerate(recipients, start=1):
        stem = "message" if number == 1 else f"message-{number}"
        wording = translations.load(templates, recipient.language)
        letter = compose(Telling(facts, recipient, edition, brand, wording))
        text, html = render.text(letter, brand, templates), render.html(letter, brand, templates)
        content[f"{stem}.txt"], content[f"{stem}.html"] = text.encode(), html.encode()
        content[f"{stem}.eml"] = mail.render(letter, text, html, notice=facts.notice, customer=facts.customer,
                                             recipient=recipient, edition=edition, brand=brand)
        entries.append({
            "files": [f"{stem}.{kind}" for kind in ("txt", "html", "eml")], "name": recipient.name,
            "address": recipient.address, "language": recipient.language, "subject": letter.subject,
            "message_id": mail.message_id(facts.notice, edition.revision, facts.customer, recipient.address,
                                          brand.domain)})
    content[SUMMARY] = _summary(facts, edition, entries, content)
    return Files(content, tuple(entry["subject"] for entry in entries))


def fingerprints(facts: Facts, recipients: Sequence[Recipient], templates: Path) -> dict[str, str]:
    """A short hash of each part of the facts, and of templates, brand and the words in use."""
    names = ("brand.yml", render.TEXT, render.HTML,
             *sorted({f"languages/{recipient.language}.yml" for recipient in recipients}))
    try:
        wording = {name: hashlib.sha256((templates / name).read_bytes()).hexdigest() for name in names}
    except OSError as error:
        raise ConfigurationError(f"{error.filename} cannot be read",
                                 "name the folder in opsctl.yml under `templates`, or run opsctl where it is") from None
    return facts_data.fingerprints({**facts_data.parts(facts), facts_data.WORDING: wording})


def _summary(facts: Facts, edition: Edition, entries: Sequence[Mapping[str, Any]], content: Mapping[str, bytes]
             ) -> bytes:
    data = {
        "schema_version": 1, "notice": facts.notice, "revision": edition.revision, "kind": facts.kind.value,
        "customer": facts.customer, "drafted_at": iso(edition.date), "changed": list(edition.changed),
        "facts": facts_data.parts(facts), "recipients": list(entries),
        "sha256": {name: hashlib.sha256(found).hexdigest() for name, found in content.items()},
    }
    return (json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
