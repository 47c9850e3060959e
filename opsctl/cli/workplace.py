"""From the command line's surroundings to what the rooms need: settings, ledger, progress, customers."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from opsctl.core.clock import SystemClock, require_aware
from opsctl.core.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    from opsctl.core.errors import OpsctlError
    from opsctl.profiles.model import Profile
    from opsctl.profiles.settings import Settings
    from opsctl.releases.catalogue import Catalogue
    from opsctl.runs.workplace import Workplace

Customer = Annotated[str, typer.Argument(metavar="CUSTOMER", help="A customer's name, see `opsctl customers list`.")]
Customers = Annotated[list[str] | None, typer.Argument(metavar="[CUSTOMER]...", help="Customers by name.")]
All = Annotated[bool, typer.Option("--all", help="All customers; what a contract does not cover is skipped.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")]
At = Annotated[str | None, typer.Option("--at", metavar="TIME",
                                        help="Answer as of this instant, ISO 8601 with zone.")]

YEARS = range(1990, 2100)
"""What `--at` may ask about."""


def settings() -> Settings:
    """The operator's settings (exit 3 when they are invalid)."""
    from opsctl.profiles.loader import load_settings

    return load_settings(None, Path.cwd())


def profile(customer: str) -> Profile:
    """One customer's profile (exit 3 when it is invalid or unknown)."""
    from opsctl.profiles.loader import load_profile

    return load_profile(settings().inventories, customer)


@dataclass(frozen=True)
class Selection:
    """profiles: those asked for. broken: profiles that cannot be read, by customer. explicit: named, not by --all.

    one_ring: those of one ring alone, by --ring.
    """

    profiles: tuple[Profile, ...]
    broken: Mapping[str, OpsctlError]
    explicit: bool
    one_ring: bool = False


def select(customers: list[str] | None, everyone: bool) -> Selection:
    """The customers named, or all; exit 2 for neither or both. A named broken profile ends with exit 3."""
    from opsctl.profiles.loader import load_profile, load_profiles

    names = customers or []
    if bool(names) == everyone:
        raise UsageError("name customers, or give --all", "see `opsctl customers list` for the names")
    inventories = settings().inventories
    if names:
        unique = dict.fromkeys(names)
        return Selection(tuple(load_profile(inventories, name) for name in unique), {}, True)
    profiles, broken = load_profiles(inventories)
    if not profiles and not broken:
        raise ConfigurationError(f"there is no customer in {inventories}", "add one; see CONTRIBUTING.md")
    return Selection(profiles, broken, False)


def instant(text: str | None) -> datetime:
    """`--at`, or now. Exit 2 for a time without zone, or one that no contract can be about."""
    if text is None:
        return SystemClock().now()
    try:
        found = require_aware(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        raise UsageError("--at is not a time with a zone",
                         "write it as 2026-11-23T09:00:00+01:00 or 2026-11-23T08:00:00Z") from None
    if found.year not in YEARS:
        raise UsageError(f"--at must lie in the years {YEARS[0]} to {YEARS[-1]}", "correct the year")
    return found


def ledger_url(found: Settings, *, acts: bool) -> str:
    """Where the ledger is.

    With CI=true and no explicit ledger a command that acts ends with exit 3: an ephemeral file would
    defeat leases, sending once, and evidence.
    """
    from opsctl.profiles.places import state_folder

    if found.ledger is not None:
        return found.ledger.url
    if acts and os.environ.get("CI", "").lower() in {"1", "true"}:
        raise ConfigurationError("CI=true, and no ledger is set", "set `ledger.url` in opsctl.yml, and name that "
                                 "file by --config or OPSCTL_CONFIG")
    return f"sqlite:///{state_folder() / 'ledger.db'}"


def catalogue_or_error(place: Workplace) -> Catalogue | OpsctlError:
    """The release files, or why they cannot be read."""
    from opsctl.releases.catalogue import load_or_error

    return load_or_error(place.settings.releases)


@contextmanager
def workplace(*, acts: bool) -> Iterator[Workplace]:
    """The workplace of a command; `acts` is True when it changes anything or records evidence.

    """
    from opsctl.cli.progress import progress
    from opsctl.ledger import exists, open_ledger
    from opsctl.profiles.places import actor, state_folder
    from opsctl.runs.workplace import Workplace

    found = settings()
    if acts and found.generated:
        raise ConfigurationError("these settings are of generated history: nothing can be done with it",
                                 "name the settings of your real customers by --config or OPSCTL_CONFIG")
    clock = SystemClock()
    # Asked only where the settings are silent: an account without a home can have all of it set.
    runs = found.runs or state_folder() / "runs"
    drafts = found.drafts or state_folder() / "drafts"
    url = ledger_url(found, acts=acts)
    with ExitStack() as stack:
        if not acts and not exists(url):
            # Who asks does not make a ledger: an empty one would pass for one that was lost.
            url = f"sqlite:///{stack.enter_context(TemporaryDirectory())}/ledger.db"
        ledger = open_ledger(url, clock)
        stack.callback(ledger.close)
        reporter = stack.enter_context(progress())
        yield Workplace(found, ledger, clock, reporter, actor(), runs, drafts)


def require_ledger() -> None:
    """ConfigurationError when there is no ledger to read: evidence that is not there is not sound."""
    from opsctl.ledger import exists

    url = ledger_url(settings(), acts=False)
    if not exists(url):
        raise ConfigurationError(f"there is no ledger at {url.removeprefix('sqlite:///')}",
                                 "check `ledger.url` in opsctl.yml; was one there, restore it from its copy; "
                                 "the first command that acts makes a new one")


def confirm(question: str, yes: bool) -> None:
    """Ask on a terminal; without one, `--yes` is needed (exit 2), so that a job never hangs on a prompt."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("this needs a confirmation, and there is no terminal to ask on", "give --yes")
    typer.confirm(question, abort=True, err=True)


