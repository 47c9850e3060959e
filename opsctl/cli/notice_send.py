"""`opsctl notice send`: which notices of which customers, one row each."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from opsctl.adapters.mail import Relay
from opsctl.cli.each import for_each
from opsctl.cli.workplace import Selection
from opsctl.contract.services import Service
from opsctl.core.outcome import Outcome
from opsctl.notices.approval import known
from opsctl.notices.outbox import to_send
from opsctl.notices.planning import beside_a_major
from opsctl.notices.sending import Sending, send
from opsctl.profiles.loader import load_profile
from opsctl.profiles.model import Profile
from opsctl.releases.fresh import FreshReleases
from opsctl.runs.installed import notified_version
from opsctl.runs.workplace import Workplace


def sent(place: Workplace, selection: Selection, relay: Relay, notice: str | None, *, everyone: bool, again: bool
         ) -> tuple[Outcome, ...]:
    """Send `notice`, or whatever is approved and has not reached everybody."""
    releases = FreshReleases(place.settings.releases)
    what = Sending(releases(), relay, notice, everyone, again)
    outcomes: list[Outcome] = []
    for part in _apart(selection):
        names = (notice,) if notice or not part.profiles else _names(place, part.profiles[0])
        for name in names:
            act = partial(_of_now, place, releases, replace(what, notice=name))
            outcomes += for_each(part, Service.SOFTWARE_UPDATE_MINOR, act)
    return tuple(outcomes)


def _of_now(place: Workplace, releases: FreshReleases, what: Sending, profile: Profile) -> Outcome:
    """Send by the files of this moment: a release can be withdrawn, or a contact go, while others get their mails."""
    now = load_profile(place.settings.inventories, profile.customer)
    return send(place, now, replace(what, releases=releases()))


def _apart(selection: Selection) -> list[Selection]:
    """Each customer by itself, and the broken profiles by themselves."""
    single = [replace(selection, profiles=(profile,), broken={}) for profile in selection.profiles]
    return [*([replace(selection, profiles=())] if selection.broken else []), *single]


def _names(place: Workplace, profile: Profile) -> tuple[str | None, ...]:
    now = place.clock.now()
    return to_send(known(place, profile.customer), notified_version(place, profile), now,
                   beside_a_major(profile, now)) or (None,)
