"""Renew certificates that own authorities or ACME servers sign (P15): the key is made on the host and stays there.

A renewal is proven by a new handshake that shows the new certificate. Whatever ends it before that, the old pair is put
back, and whether a handshake shows that one again is on record.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from opsctl.adapters.probes import Probe, probe, shown
from opsctl.adapters.secrets import resolve
from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Service
from opsctl.core.errors import ConfigurationError, OperationFailed, OpsctlError, UsageError
from opsctl.core.outcome import Outcome
from opsctl.network.decisions import watched
from opsctl.network.names import left_of, names_of, own_names
from opsctl.network.one_by_one import one_by_one
from opsctl.network.service import target_of
from opsctl.profiles.hosted import Certificate, Component
from opsctl.profiles.model import KamstrupProfile
from opsctl.profiles.settings import AcmeSettings, AuthoritySettings, Settings
from opsctl.runs.playbook import play, targets_of
from opsctl.runs.service import HOSTS, Run, perform
from opsctl.runs.workplace import Workplace

if TYPE_CHECKING:
    from opsctl.adapters.authority import Signed

REQUEST = Request(Service.NETWORK_MANAGEMENT, Purpose.PROTECT, Delivery.WORK)
RENEWED, TAKEN_BACK = "certificate.renewed", "certificate.taken-back"
PROOF_SECONDS, BACK_SECONDS = 40.0, 10.0


@dataclass(frozen=True)
class Renewal:
    """One certificate to renew. ends: when the one in use does, None when that could not be read. why: it is due.

    authority: who signs it, or why nobody can.
    """

    component: Component
    certificate: Certificate
    authority: AuthoritySettings | AcmeSettings | OpsctlError
    ends: datetime | None
    fingerprint: str
    why: str

    def told(self) -> str:
        """In words, before anybody confirms."""
        if isinstance(self.authority, OpsctlError):
            return f"{self.component.name}: CANNOT be renewed: {self.authority.message}"
        work = f"{self.certificate.unit} is {'reloaded' if self.certificate.reload else 'restarted'}"
        how = f"for {self.authority.days} days" if isinstance(self.authority, AuthoritySettings) else "over ACME"
        return (f"{self.component.name}: {self.why}; a new key on {self.certificate.host}, signed by "
                f"{self.certificate.authority} {how}; {work}")


def due(workplace: Workplace, profile: KamstrupProfile, component: str | None) -> tuple[Renewal, ...]:
    """What is to be renewed: the component named, or those whose certificate ends within the profile's warning.

    Asks each for the certificate it shows. One that nobody can sign as it is set up is among them, whenever it ends.
    UsageError for a name that has none that opsctl could renew.
    """
    mine = [one for one in watched(profile.components)[0] if one.certificate is not None]
    if component is not None:
        mine = [one for one in mine if one.name == component]
        if not mine:
            raise UsageError(f"{profile.customer} has no delivered component {component} with a `certificate`",
                             "write where its files are and who signs it into the profile, see docs/surveillance.md")
    found = [_renewal(workplace, profile, one, one.certificate) for one in mine if one.certificate is not None]
    return tuple(one for one in found if component is not None or _soon(one, profile, workplace.clock.now()))


def _renewal(workplace: Workplace, profile: KamstrupProfile, one: Component, certificate: Certificate) -> Renewal:
    authority = _signer(workplace.settings, one, certificate)
    if isinstance(authority, OpsctlError):
        return Renewal(one, certificate, authority, None, "", authority.message)
    seen = probe(target_of(workplace, profile, one))
    why = f"its certificate ends on {seen.expires:%Y-%m-%d}" if seen.expires else seen.problem or "nothing is known"
    return Renewal(one, certificate, authority, seen.expires, seen.facts.get("certificate", ""), why)


def _soon(one: Renewal, profile: KamstrupProfile, now: datetime) -> bool:
    """Near its end, or not valid any more; a component that does not answer at all shows nothing to renew."""
    if isinstance(one.authority, OpsctlError):
        return True
    if one.ends is None:
        return bool(one.fingerprint)
    return (one.ends - now).days < profile.thresholds.certificate_warning_days


def _signer(settings: Settings, one: Component, certificate: Certificate
            ) -> AuthoritySettings | AcmeSettings | OpsctlError:
    try:
        authority = authority_of(settings, certificate)
        if isinstance(authority, AcmeSettings):
            _require_askable(one, certificate)
    except OpsctlError as error:
        return error
    return authority


def authority_of(settings: Settings, certificate: Certificate) -> AuthoritySettings | AcmeSettings:
    """The authority that signs it; ConfigurationError when opsctl.yml has none of that name."""
    both: Mapping[str, AuthoritySettings | AcmeSettings] = {**settings.authorities, **settings.acme}
    found = both.get(certificate.authority)
    if found is None:
        raise ConfigurationError(f"opsctl.yml has no authority {certificate.authority}; it has "
                                 f"{', '.join(sorted(both)) or 'none'}",
                                 "set `authorities` or `acme` in opsctl.yml, or correct the component's `certificate`")
    return found


def _require_askable(component: Component, certificate: Certificate) -> None:
    """What http-01 can prove: no wildcard (RFC 8555, 8.3), and only where the answers can be shown."""
    if certificate.webroot is None:
        raise ConfigurationError(f"{component.name} has no `webroot`, where an ACME server would look for its answers",
                                 "write it under the component's `certificate`, see docs/surveillance.md")
    if wild := [name for name in certificate.names if name.startswith("*")]:
        raise ConfigurationError(f"{component.name}: http-01 proves no wildcard, and `names` has {wild[0]}",
                                 "name the hosts one by one, or use an authority of your own")


def renew(workplace: Workplace, profile: KamstrupProfile, renewals: Sequence[Renewal],
          may_start: Callable[[], None]) -> Outcome:
    """Renew them one after the other, within one run that has the customer's hosts for itself.

    may_start: raises while a unit that must be restarted may not be. One that fails keeps no other from its turn.
    """
    def one_of(run: Run, one: Renewal) -> str:
        if not one.certificate.reload:
            may_start()
        return _renewed(run, profile, one)

    def act(run: Run) -> Outcome:
        return one_by_one(run, [(one.component.name, partial(one_of, run, one)) for one in renewals])

    return perform(workplace, profile, REQUEST, "network renew", act, lease=HOSTS)


def _renewed(run: Run, profile: KamstrupProfile, one: Renewal) -> str:
    step = partial(_play, run, profile, one.certificate)
    if isinstance(one.authority, OpsctlError):
        raise one.authority
    signed, names, left, more = _ordered(run, one, one.authority, step) if isinstance(one.authority, AcmeSettings) \
        else _signed(run, profile, one, one.authority, step)
    if left:
        run.say(f"{one.component.name}: WARNING: not signed for {', '.join(left)}, which the certificate in use has: "
                "write under `certificate` as `names` what is right")
    evidence = {"component": one.component.name, "host": one.certificate.host, "authority": one.certificate.authority,
                "names": list(names), "left": list(left), "before": one.fingerprint, "after": signed.fingerprint,
                "ends": f"{signed.ends:%Y-%m-%d}", **more}
    run.say(f"{one.component.name}: signed until {signed.ends:%Y-%m-%d} for {', '.join(names)}")
    try:
        step("install", signed.pem)
        _prove(run, profile, one.component, signed)
    except BaseException as error:
        _take_back(run, profile, one, partial(step, "restore", signed.pem), evidence, error)
        raise
    run.record(RENEWED, evidence)
    return f"{one.component.name}: new certificate until {signed.ends:%Y-%m-%d}, proven by a handshake"


_Obtained = tuple["Signed", tuple[str, ...], tuple[str, ...], Mapping[str, str]]
"""The certificate, the names it is for, those that the host claims and that were left out, more evidence."""


def _signed(run: Run, profile: KamstrupProfile, one: Renewal, settings: AuthoritySettings,
            step: Callable[..., Mapping[str, Any]]) -> _Obtained:
    from opsctl.adapters.authority import sign, vouched

    authority = _read(settings)
    known = vouched(shown(target_of(run.workplace, profile, one.component)), authority, own_names(one.component))
    asked = step("request", "")
    names, left = names_of(one.component, str(asked["names"]), known)
    return sign(str(asked["request"]), names, authority, resolve(settings.key), settings.days,
                run.workplace.clock.now()), names, left, {}


def _ordered(run: Run, one: Renewal, settings: AcmeSettings, step: Callable[..., Mapping[str, Any]]) -> _Obtained:
    """The answers are shown by the host's web server, and taken away however the order ends."""
    from opsctl.adapters.acme_orders import order

    @contextmanager
    def answering(answers: Mapping[str, str]) -> Iterator[None]:
        shown_there = {"webroot": one.certificate.webroot, "answers": dict(answers)}
        try:
            step("answer", "", **shown_there)
            yield
        finally:
            step("clear", "", **shown_there)

    names = tuple(dict.fromkeys([own_names(one.component)[0], *one.certificate.names]))
    key = resolve(settings.account_key)
    asked = step("request", "", names=list(names))
    signed, account = order(str(asked["request"]), names, settings.directory, key, settings.ca_file, settings.contact,
                            answering)
    return signed, names, left_of(str(asked["names"]), names), {"account": account}


def _take_back(run: Run, profile: KamstrupProfile, one: Renewal, restore: Callable[[], Mapping[str, Any]],
               evidence: Mapping[str, Any], error: BaseException) -> None:
    """Put the old pair back if the new one came into use, see what the component shows then, and record both.

    OperationFailed when it cannot be put back: the new pair may be in use, unproven.
    """
    name, used = one.component.name, one.certificate
    reason = error.message if isinstance(error, OpsctlError) else \
        "it was interrupted" if isinstance(error, KeyboardInterrupt) else f"unexpected {type(error).__name__}"
    run.say(f"{name}: {reason}; going back to the old certificate")
    try:
        back = restore()
    except OpsctlError as failed:
        raise OperationFailed(f"{name}: the renewal failed, and the old certificate could NOT be put back",
                              f"on {used.host}, copy {used.certificate}.opsctl-previous and {used.key}.opsctl-previous "
                              f"over the files in use and restart {used.unit}",
                              (reason, failed.message, *failed.details)) from error
    if not back["changed"]:
        run.say(f"{name}: nothing was put back, the new certificate was not in use")
        return
    seen = _awaited(run, profile, one.component, one.fingerprint, BACK_SECONDS)
    proven = seen.facts.get("certificate") == one.fingerprint
    run.say(f"{name}: " + ("a handshake shows the old certificate again" if proven else
                           f"no handshake shows the old certificate: {seen.problem or 'it shows another one'}"))
    run.record(TAKEN_BACK, {**evidence, "reason": reason, "proven": proven, "problem": seen.problem})


def _play(run: Run, profile: KamstrupProfile, certificate: Certificate, step: str, pem: str,
          **more: object) -> Mapping[str, Any]:
    from opsctl.adapters.ansible_catalogue import CERTIFICATE_RENEWAL

    given = {"step": step, "certificate": certificate.certificate, "key": certificate.key, "unit": certificate.unit,
             "reload": certificate.reload, "pem": pem, **more}
    result = play(run, targets_of(run.workplace, profile, only=[certificate.host]), CERTIFICATE_RENEWAL,
                  {f"certificate_renewal_{name}": value for name, value in given.items()}, deadline_seconds=600)
    (host,) = result.hosts.values()
    found: Mapping[str, Any] = host.data["certificate_renewal"]
    return found


def _prove(run: Run, profile: KamstrupProfile, component: Component, signed: Signed) -> None:
    """A handshake that shows the new certificate, and the answer that the component should give."""
    last = _awaited(run, profile, component, signed.fingerprint, PROOF_SECONDS)
    if last.problem or last.facts.get("certificate") != signed.fingerprint:
        raise OperationFailed(f"{component.name} is not proven to use its new certificate: "
                              f"{last.problem or 'it still shows another certificate'}",
                              "the old one was put back; look at the unit's log on the host")


def _awaited(run: Run, profile: KamstrupProfile, component: Component, fingerprint: str, seconds: float) -> Probe:
    """What the component shows: as soon as that is this certificate and it is well, else at the end of the time."""
    until = time.monotonic() + seconds
    while True:
        last = probe(target_of(run.workplace, profile, component))
        well = not last.problem and last.facts.get("certificate") == fingerprint
        if well or time.monotonic() + 1 >= until:
            return last
        time.sleep(1)


def _read(authority: AuthoritySettings) -> bytes:
    try:
        return authority.certificate.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"the authority's certificate {authority.certificate} cannot be read: "
                                 f"{error.strerror}", "see `authorities` in opsctl.yml") from None
