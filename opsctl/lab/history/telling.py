"""Notices to a customer that hosts READY itself: drafted, approved, handed to a relay; some of it goes wrong."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from opsctl.contract.gate import Delivery, Purpose
from opsctl.contract.services import Service
from opsctl.core.clock import iso
from opsctl.core.outcome import Status
from opsctl.lab.history.story import Story, after
from opsctl.notices import register
from opsctl.releases.model import Release
from opsctl.releases.version import Step

_FATES = {register.ACCEPTED: (250, "2.0.0 queued"), register.REFUSED: (550, "5.1.1 no such mailbox"),
          register.UNKNOWN: (0, "the connection ended without an answer")}


def tell(story: Story, release: Release, published: datetime, installed: str, now: datetime) -> None:
    """The release notice of one release, as far as it comes by `now`."""
    rng, version = story.rng("notice", release.version), str(release.version)
    major = release.kind is Step.MAJOR
    service = Service.SOFTWARE_UPDATE_MAJOR if major else Service.SOFTWARE_UPDATE_MINOR
    drafted = published + timedelta(hours=17 + rng.random() * 6)
    if drafted >= now or rng.random() < 0.01 * story.customer.trouble:
        return
    notice, sha256 = f"release-{version}", hashlib.sha256(f"{story.customer.name}{version}".encode()).hexdigest()
    contacts = [story.keep(drafted, f"Generated contact {number} <contact{number}@{story.customer.name}.example>")
                for number in range(1, story.customer.contacts + 1)]
    running = story.run(drafted, "notice draft", service, purpose=Purpose.NEW_VALUE)
    running.say(after(drafted, 1), register.DRAFTED, {
        "notice": notice, "revision": 1, "release": version, "release_revision": release.revision, "from": installed,
        "kind": "major" if major else "update", "service": service.value, "purpose": Purpose.NEW_VALUE.value,
        "delivery": Delivery.NOTICE.value, "recipients": contacts, "sha256": sha256, "drafted_at": iso(drafted),
        "changed": [], "parts": {name: story.mark(16, version, name) for name in ("customer", "release", "wording")},
        "source": None})
    running.end(after(drafted, 1.2), Status.DONE, f"{notice} ({'major' if major else 'update'}), revision 1, drafted "
                                                  f"for {len(contacts)} contacts")
    approved = drafted + timedelta(hours=8 + rng.random() * 20 + 400 * (rng.random() < 0.05 * story.customer.trouble))
    if approved >= now:
        return
    running = story.run(approved, "notice approve", service, purpose=Purpose.NEW_VALUE)
    running.say(after(approved, 0.3), register.APPROVED, {
        "notice": notice, "revision": 1, "sha256": sha256, "signer": "generated@vendor.example",
        "signature": "generated: no signature", "security": False})
    running.end(after(approved, 0.4), Status.DONE, f"{notice} revision 1 approved by generated@vendor.example")
    _send(story, service, (notice, version, contacts), approved + timedelta(minutes=3), rng.random())


def _send(story: Story, service: Service, what: tuple[str, str, list[str]], at: datetime, chance: float) -> None:
    notice, version, contacts = what
    running = story.run(at, "notice send", service, purpose=Purpose.NEW_VALUE)
    bad = register.REFUSED if chance < 0.06 * story.customer.trouble else \
        register.UNKNOWN if chance < 0.08 * story.customer.trouble else register.ACCEPTED
    for number, contact in enumerate(contacts):
        kind = bad if number == 0 else register.ACCEPTED
        code, reply = _FATES[kind]
        key = {"notice": notice, "revision": 1, "contact": contact, "sha256": story.mark(64, notice, contact)}
        at = after(at, 1)
        running.say(at, register.SENDING, {**key, "language": "en", "release": version, "role": "notices"})
        running.say(after(at, 0.4), kind, {**key, "code": code, "reply": reply, "temporary": False})
    status = Status.DONE if bad == register.ACCEPTED else Status.PARTIAL if len(contacts) > 1 else Status.FAILED
    running.end(after(at, 1), status, f"{notice} revision 1: {'sent' if status is Status.DONE else 'not all sent'}")
