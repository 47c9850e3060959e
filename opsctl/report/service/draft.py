"""The issued report as mail drafts: one for each contact, in its language, to be read and sent by a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from opsctl.contract.services import PRODUCT
from opsctl.core.errors import ConfigurationError, UsageError
from opsctl.notices import brand, layers
from opsctl.notices.standing import require_domains
from opsctl.profiles.model import Profile
from opsctl.profiles.parts import Contact, ContactRole
from opsctl.promises.month import Month
from opsctl.report.service.formats import ReportFormat, render
from opsctl.report.service.issuing import make
from opsctl.report.service.model import Report
from opsctl.report.service.phrases import Phrases, load
from opsctl.runs.workplace import Workplace


@dataclass(frozen=True)
class Draft:
    """One mail. content: as a file of the type .eml (RFC 5322), marked as unsent."""

    file: str
    to: str
    language: str
    content: bytes


def drafts(workplace: Workplace, profile: Profile, month: Month, now: datetime) -> tuple[Draft, ...]:
    """A draft for each contact. The same report gives the same bytes.

    UsageError for a report that is not issued as it stands: a customer gets a revision that is on record. An address
    outside the customer's domains is refused as for notices.
    """
    require_domains(profile, set(ContactRole))
    report = make(workplace, profile, month, now)
    if not report.revision.startswith("revision "):
        raise UsageError(f"the report of {month} is not issued as it stands: it is a {report.revision}",
                         f"`opsctl report issue {profile.customer} --month {month}` issues it")
    contacts = [one for one in profile.contacts if ContactRole.CONTRACT in one.roles] or list(profile.contacts)
    if not contacts:
        raise ConfigurationError(f"{profile.customer} has no contact", "add one to the profile")
    sender = brand.load(layers.of(workplace.settings, profile.customer))
    templates = workplace.settings.templates / "reports"
    made = []
    for number, contact in enumerate(contacts, start=1):
        phrases = load(templates, contact.language or profile.language)
        page = render(report, ReportFormat.HTML, templates, phrases)
        mail = _mail(report, contact, sender, phrases, page)
        made.append(Draft(f"service-report-{profile.customer}-{month}-{number}.eml", contact.email, phrases.language,
                          mail.as_bytes()))
    return tuple(made)


def _mail(report: Report, contact: Contact, sender: brand.Brand, phrases: Phrases, page: str) -> EmailMessage:
    mail = EmailMessage(policy=SMTP)
    mail["X-Unsent"] = "1"
    mail["From"] = Address(sender.sender.name, addr_spec=sender.sender.email)
    mail["To"] = Address(contact.name, addr_spec=contact.email)
    mail["Subject"] = phrases.say(f"{PRODUCT} service report {report.month}: {report.name}")
    mail["Content-Language"] = phrases.language
    said = (f"Dear {contact.name},",
            f"the service report of {report.month} is attached. It says what the contract made due in that month and "
            "what is proven of it.", report.headline,
            f"Questions: {sender.website}, {sender.phone} or {sender.email}.")
    mail.set_content("\n\n".join(map(phrases.say, said)) + f"\n\n{sender.sender.name}\n")
    mail.add_attachment(page.encode(), maintype="text", subtype="html",
                        filename=f"{PRODUCT}-{report.customer}-{report.month}.html")
    # Otherwise it would be drawn by lot, and the same report would give other bytes.
    mail.set_boundary(f"=_{report.customer}-{report.month}")
    return mail
