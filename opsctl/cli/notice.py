"""`opsctl notice`: release notices for systems that customers host."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.command import Kind, command, group
from opsctl.cli.notice_follow import bounce, confirm, diff, remind
from opsctl.cli.notice_preview import preview
from opsctl.cli.notice_views import Notice, check, coverage, list_notices, show
from opsctl.cli.result import Result, outcomes_result
from opsctl.cli.workplace import All, Customer, Customers, select, workplace
from opsctl.contract.services import Service
from opsctl.core.errors import UsageError

app = group("Release notices for systems that customers host.")
_SERVICES = (Service.SOFTWARE_UPDATE_MINOR, Service.SOFTWARE_UPDATE_MAJOR, Service.IT_SYSTEM_MAINTENANCE,
             Service.LICENCE_MANAGEMENT)
_READS = "it reads the ledger and the drafts, and delivers nothing"


@command(app, "notice", "draft", kind=Kind.ACTS, services=_SERVICES)
def draft(customers: Customers = None, everyone: All = False,
          kind: Annotated[str | None, typer.Option("--kind", metavar="KIND", help="Only this kind, such as "
                                                   "end-of-support; with --file one that people write.")] = None,
          file: Annotated[Path | None, typer.Option("--file", metavar="FACTS.yml",
                                                    help="The facts of a maintenance, installation or proposal; see "
                                                         "docs/notices.md.")] = None) -> Result:
    """Draft the notices that are due, or one whose facts stand in a file; sends nothing."""
    from opsctl.cli.notice_drafts import drafted, drafted_from

    selection = select(customers, everyone)
    with workplace(acts=True) as place:
        outcomes = drafted(place, selection, kind) if file is None else drafted_from(place, selection, kind, file)
    return outcomes_result(outcomes)


command(app, "notice", "list", kind=Kind.ASKS, without=_READS)(list_notices)
command(app, "notice", "show", kind=Kind.ASKS, without=_READS)(show)
command(app, "notice", "preview", kind=Kind.ACTS,
        without="it shows drafts; what is approved on the page passes the gate as `notice approve` does")(preview)
command(app, "notice", "diff", kind=Kind.ASKS, without=_READS)(diff)


@command(app, "notice", "approve", kind=Kind.ACTS, services=_SERVICES)
def approve(customer: Customer, notice: Notice,
            key: Annotated[Path, typer.Option("--key", metavar="FILE",
                                              help="Your SSH key: the private one, or a public one your agent holds.")],
            read: Annotated[str, typer.Option("--sha256", metavar="HASH", help="Approve only the draft that you read, "
                                              "by its hash; see `opsctl notice show`.")] = "") -> Result:
    """Approve a draft by a signature with your SSH key; exit code 6 when it may not be approved so."""
    from opsctl.cli.each import for_each
    from opsctl.notices.approval import approve as approve_notice
    from opsctl.releases.catalogue import load

    selection = select([customer], False)
    with workplace(acts=True) as place:
        releases = load(place.settings.releases)
        outcomes = for_each(selection, Service.SOFTWARE_UPDATE_MINOR,
                            lambda profile: approve_notice(place, profile, notice, key, releases=releases, read=read))
    return outcomes_result(outcomes)


@command(app, "notice", "send", kind=Kind.ACTS, services=_SERVICES)
def send(words: Annotated[list[str] | None, typer.Argument(
            metavar="[CUSTOMER]... [NOTICE]", help="Customers, and at the end a notice such as release-6.0.0; by "
                                                   "default whatever is approved.")] = None,
         everyone: All = False,
         again: Annotated[bool, typer.Option("--again", help="Send also what is unknown or was refused for good; for "
                                                             "one customer and notice, after you have looked.")] = False
         ) -> Result:
    """Send approved notices by mail; what was accepted is not sent twice, what is unknown not by itself."""
    from opsctl.adapters.mail import Relay
    from opsctl.cli.notice_send import sent

    customers, notice = _parted(words or [])
    if again and (notice is None or len(customers) != 1):
        raise UsageError("--again is for one customer and one notice", "name both")
    selection = select(customers, everyone)
    with workplace(acts=True) as place, closing(Relay(place.settings.smtp)) as relay:
        outcomes = sent(place, selection, relay, notice, everyone=everyone, again=again)
    return outcomes_result(outcomes)


command(app, "notice", "coverage", kind=Kind.ASKS, without=_READS)(coverage)
command(app, "notice", "remind", kind=Kind.ASKS, without=_READS)(remind)
command(app, "notice", "bounce", kind=Kind.ACTS, services=_SERVICES)(bounce)
command(app, "notice", "confirm", kind=Kind.ACTS, services=_SERVICES)(confirm)
command(app, "notice", "check", kind=Kind.ASKS, without=_READS)(check)


def _parted(words: list[str]) -> tuple[list[str], str | None]:
    """Customers and the notice: a notice's id has dots, a customer's name has none."""
    notices = [word for word in words if "." in word]
    if len(notices) > 1 or (notices and words[-1] != notices[0]):
        raise UsageError("name at most one notice, and name it last", "opsctl notice send CUSTOMER release-6.0.0")
    return [word for word in words if "." not in word], notices[0] if notices else None
