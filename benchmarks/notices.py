"""What drafting notices costs beside a bare loop: 5,000 messages of 25 changes each, in interleaved rounds.

The bare loop makes the same mail as a script would: the same two templates in plain Jinja2 from values that are ready,
one `EmailMessage` with the same headers and both parts, its bytes. opsctl finds the words for each customer and
language, checks headers, reads the bytes again, and hashes every file.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from opsctl.contract.services import PRODUCT
from opsctl.notices import brand as brands
from opsctl.notices import drafting, examples, mail, render
from opsctl.notices.layers import Layers
from opsctl.notices.model import Edition, Recipient, ReleaseFacts
from opsctl.releases.changes import FixChange, Text
from opsctl.releases.content import ReleasedChange

LAYERS = Layers(Path(__file__).resolve().parents[1] / "templates" / "notices")
BRAND = brands.load(LAYERS)
EDITION = Edition(1, datetime(2026, 11, 23, 10, tzinfo=UTC))
LANGUAGES = ("en", "da", "de")
CHANGES = 25


def words(number: int) -> Text:
    """Some 130 characters in each language."""
    said = (f"Correction {number}: a reading is shown with its unit and its time, also for a meter that was replaced "
            "within the same day.")
    return Text(**dict.fromkeys(LANGUAGES, said))


def facts_of(customer: int) -> ReleaseFacts:
    """A customer's update notice with 25 changes."""
    found = next(one for one in examples.every(LANGUAGES) if isinstance(one, ReleaseFacts) and not one.restricted)
    version = found.way.target.version
    changes = tuple(ReleasedChange(version, FixChange(type="fix", error=f"ERR-{number:04}", text=words(number)))
                    for number in range(1000, 1000 + CHANGES))
    return replace(found, customer=f"sample-{customer}", customer_name=f"Example Supply {customer}",
                   content=replace(found.content, changes=changes, headline=found.content.headline.FIX, severity=None))


def messages(count: int, first: int) -> Iterator[tuple[ReleaseFacts, Recipient]]:
    """As many, by customer and language; the example that all begin with is made once."""
    pattern = facts_of(0)
    for number in range(first, first + count):
        name = f"Example Supply {number}"
        yield (replace(pattern, customer=f"sample-{number}", customer_name=name),
               Recipient("IT", f"it-{number}@customer.example", LANGUAGES[number % len(LANGUAGES)]))


def ours(count: int, first: int) -> int:
    """Drafts with everything that belongs to them."""
    return sum(len(drafting.files(facts, (recipient,), EDITION, BRAND, LAYERS).content["message.eml"])
               for facts, recipient in messages(count, first))


def bare(count: int, first: int) -> int:
    """The same texts and mails, from values that are ready."""
    text, html = PLAIN.get_template("message.txt.j2"), PLAIN.get_template("message.html.j2")
    size = 0
    for facts, recipient in messages(count, first):
        values = READY[recipient.language]
        message = EmailMessage(policy=SMTP)
        identity = mail.message_id("release-2.0.0", 1, facts.customer, recipient.address, BRAND.domain)
        for name, value in mail.intended(values["letter"].subject, identity, EDITION.date, recipient, BRAND):
            message[name] = value
        message.set_content(text.render(values), charset="utf-8", cte="quoted-printable")
        message.add_alternative(html.render(values), subtype="html", charset="utf-8", cte="quoted-printable")
        size += len(message.as_bytes())
    return size


def prepare() -> tuple[Environment, dict[str, dict[str, Any]]]:
    """Plain Jinja2 on the same templates, and one letter per language that is ready to be filled in."""
    plain = Environment(loader=FileSystemLoader(LAYERS.base), trim_blocks=True, lstrip_blocks=True,
                        autoescape=lambda name: name is None or name.endswith(".html.j2"))  # noqa: S701
    plain.filters["wrapped"] = render.wrapped
    ready = {}
    for language in LANGUAGES:
        recipient = Recipient("IT", "it@customer.example", language)
        letter = drafting.composed(facts_of(0), recipient, EDITION, BRAND, LAYERS)
        ready[language] = {"letter": letter, "brand": BRAND, "product": PRODUCT, "c": BRAND.colours.light,
                           "d": BRAND.colours.dark}
    return plain, ready


def timed(act: Callable[[int, int], int], count: int, first: int) -> float:
    before = time.process_time()
    act(count, first)
    return time.process_time() - before


def main() -> None:
    """Print CPU seconds of both, the median ratio of the rounds, and the memory after each quarter."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=20)
    wanted = parser.parse_args()
    size = wanted.messages // wanted.rounds
    ours(3, 0)
    bare(3, 0)
    pairs, memory = [], []
    for number in range(wanted.rounds):
        pairs.append((timed(ours, size, number * size), timed(bare, size, number * size)))
        if (number + 1) % max(1, wanted.rounds // 4) == 0:
            memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
    json.dump({"messages": size * wanted.rounds, "changes": CHANGES, "rounds": wanted.rounds,
               "cpu_seconds": round(sum(one for one, _ in pairs), 2),
               "bare_cpu_seconds": round(sum(one for _, one in pairs), 2),
               "median_ratio": round(statistics.median(one / other for one, other in pairs), 2),
               "peak_mb_by_quarter": memory}, sys.stdout)
    sys.stdout.write("\n")


PLAIN, READY = prepare()
if __name__ == "__main__":
    main()
