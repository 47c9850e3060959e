"""The profile: a union by `hosting`, and the contract's terms at an instant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, model_validator

from opsctl.contract.services import Hosting
from opsctl.contract.terms import Agreement, Permission, Terms
from opsctl.contract.terms import hosting_since as since
from opsctl.core.clock import local_day
from opsctl.profiles.hosted import (
    Backup,
    Component,
    Database,
    Engine,
    Host,
    HostRole,
    Method,
    PlacedDatabase,
    Thresholds,
)
from opsctl.profiles.integration import ApiAccess
from opsctl.profiles.licences import ends
from opsctl.profiles.parts import (
    Addon,
    AgreementPart,
    Contact,
    ContactRole,
    CustomerName,
    EarlierTerms,
    ErrorId,
    Freeze,
    Identifier,
    Language,
    Licence,
    OneLine,
    Part,
    Ready,
    RecordedPermission,
    Window,
    Zone,
)
from opsctl.profiles.rollout import PlanApprovals


class CommonProfile(Part):
    """What every customer has."""

    schema_version: Literal[1]
    customer: CustomerName = Field(description="The folder's name; it also names the ledger's chain.")
    name: Annotated[str, OneLine] = Field(min_length=1, max_length=60)
    sample: bool = Field(default=False, description="True marks an invented customer of the lab.")
    zone: Zone = "Europe/Copenhagen"
    language: Language = "en"
    hosting_from: date = Field(description="Since when the present hosting and agreement hold (P02).")
    contacts: tuple[Contact, ...] = Field(min_length=1, description="One entry for each address.")
    domains: tuple[Annotated[str, OneLine], ...] = Field(default=(), description="Mail domains of the customer.")
    agreement: AgreementPart | None = None
    addons: tuple[Addon, ...] = ()
    ready: Ready
    windows: tuple[Window, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    approvals: PlanApprovals = PlanApprovals()
    licences: tuple[Licence, ...] = ()
    reported_errors: tuple[ErrorId, ...] = Field(default=(), description="Errors that this customer reported before "
                                                                         "its error log was kept; marked in its "
                                                                         "notices (P08).")
    earlier: tuple[EarlierTerms, ...] = Field(default=(), description="Newest first.")

    @model_validator(mode="after")
    def _contacts_have_roles(self) -> CommonProfile:
        roles = {role for contact in self.contacts for role in contact.roles}
        if ContactRole.NOTICES not in roles:
            raise ValueError("no contact has the role notices; give it to the one who is told about releases")
        _addressed_once(self.contacts)
        starts = [self.hosting_from, *(terms.effective_from for terms in self.earlier)]
        if starts != sorted(set(starts), reverse=True):
            raise ValueError("earlier: list the earlier contracts newest first, each before hosting_from")
        _unique((addon.name for addon in self.addons), "addons")
        return self


class KamstrupProfile(CommonProfile):
    """A system that Kamstrup hosts."""

    hosting: Literal["kamstrup"]
    hosts: tuple[Host, ...] = Field(min_length=1)
    databases: tuple[Database, ...] = Field(min_length=1)
    backup: Backup
    components: tuple[Component, ...] = ()
    ring: Identifier = Field(default="general", description="When changes come: the order of rings is the operator's "
                                                            "policy, a canary first.")
    hold_releases: Annotated[str, OneLine] | None = Field(default=None, min_length=1, max_length=200, description=(
        "Why no release is installed here for now (P11); leave out to install them."))
    thresholds: Thresholds = Thresholds()
    api: ApiAccess | None = Field(default=None, description="Kamstrup API Access, when it was bought (P18).")

    @model_validator(mode="after")
    def _names_fit(self) -> KamstrupProfile:
        _unique((host.name for host in self.hosts), "hosts")
        _placed(self.databases, "databases", self.hosts, "hosts")
        _unique_servers(self.databases)
        rehearsal, names = self.backup.rehearsal, {host.name for host in self.hosts}
        if rehearsal is not None and rehearsal.host is not None and rehearsal.host not in names:
            raise ValueError("backup.rehearsal: `host` must name one of `hosts`")
        return self

    def host(self, name: str) -> Host:
        """The host called `name`; KeyError when there is none."""
        return {host.name: host for host in self.hosts}[name]


class CustomerProfile(CommonProfile):
    """A system that the customer hosts: no hosts, databases or store by type.

    remote_hosts are usable only by an explicit run under a valid agreement *and* access record (P21, P48).
    """

    hosting: Literal["customer"]
    remote_hosts: tuple[Host, ...] = ()
    remote_databases: tuple[PlacedDatabase, ...] = Field(default=(), description=(
        "READY's databases on remote_hosts: needed to install releases there. The customer backs them up (P26)."))
    agreements: tuple[RecordedPermission, ...] = ()
    access: tuple[RecordedPermission, ...] = ()

    @model_validator(mode="after")
    def _names_fit(self) -> CustomerProfile:
        _unique((host.name for host in self.remote_hosts), "remote_hosts")
        _placed(self.remote_databases, "remote_databases", self.remote_hosts, "remote_hosts")
        return self


Profile = KamstrupProfile | CustomerProfile
ADAPTER: TypeAdapter[Profile] = TypeAdapter(Annotated[Profile, Field(discriminator="hosting")])


def hosts_of(profile: Profile) -> tuple[Host, ...]:
    """The hosts that work is done on: Kamstrup's, or those of the customer that it gave access to."""
    return profile.hosts if isinstance(profile, KamstrupProfile) else profile.remote_hosts


def databases_of(profile: Profile) -> tuple[PlacedDatabase, ...]:
    """READY's databases on those hosts."""
    return profile.databases if isinstance(profile, KamstrupProfile) else profile.remote_databases


def _unique(names: Iterable[str], where: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{where}: a name stands there twice; give each its own")
        seen.add(name)


def _addressed_once(contacts: Iterable[Contact]) -> None:
    """Who is told is told once: two entries of one address would get one message twice, under one Message-ID."""
    seen: dict[str, int] = {}
    for index, contact in enumerate(contacts):
        first = seen.setdefault(contact.email.casefold(), index)
        if first != index:
            raise ValueError(f"contacts: contacts[{first}] and contacts[{index}] have the same address; make one "
                             "entry of them, with the roles of both")


def _placed(databases: Sequence[PlacedDatabase], where: str, hosts: Iterable[Host], among: str) -> None:
    _unique((database.name for database in databases), where)
    able = {host.name for host in hosts if HostRole.DATABASE in host.roles}
    if any(database.host not in able for database in databases):
        raise ValueError(f"{where}: each `host` must name one of `{among}` that has the role database")
    engines = {(database.host, database.engine) for database in databases}
    if len(engines) > len({host for host, _ in engines}):
        raise ValueError(f"{where}: all databases of one host must have one engine")


def _unique_servers(databases: Iterable[Database]) -> None:
    """A physical backup holds its whole server: a second one of it every night would only cost time and space."""
    seen: dict[tuple[str, str], str] = {}
    for database in databases:
        if database.method is Method.PHYSICAL:
            server = (database.host, database.cluster if database.engine is Engine.POSTGRESQL else "")
            if server in seen:
                raise ValueError(f"databases: {seen[server]} and {database.name} are in one server, and one physical "
                                 "backup holds all of it: name only one of them, or give `method: logical`")
            seen[server] = database.name


def hosting_since(profile: Profile, day: date) -> date:
    """Since when the system is hosted as on the local day `day`; date.min when it never was otherwise."""
    return since([(profile.hosting_from, Hosting(profile.hosting)),
                  *((earlier.effective_from, earlier.hosting) for earlier in profile.earlier)], day)


def terms_at(profile: Profile, at: datetime) -> Terms:
    """The contract's terms on the customer's local day of `at`: the newest set that began on or before it.

    Before the oldest known contract the oldest one is given, without its agreement.
    """
    day = local_day(at, profile.zone)
    if day >= profile.hosting_from:
        return _terms(profile, Hosting(profile.hosting), profile.agreement, profile.addons, day)
    for earlier in profile.earlier:
        if day >= earlier.effective_from:
            return _terms(profile, earlier.hosting, earlier.agreement, earlier.addons, day)
    hosting = profile.earlier[-1].hosting if profile.earlier else Hosting(profile.hosting)
    return _terms(profile, hosting, None, (), day)


def _terms(profile: Profile, hosting: Hosting, agreement: AgreementPart | None, addons: tuple[Addon, ...],
           day: date) -> Terms:
    sma = None if agreement is None else Agreement(
        agreement.reference, agreement.valid_from, agreement.valid_to,
        agreement.entitlements.minor, agreement.entitlements.major)
    return Terms(profile.customer, profile.zone, hosting, sma, {addon.name.value: addon.order for addon in addons},
                 licences=ends(profile.licences, day))


def permissions(records: Iterable[RecordedPermission], about: str = "") -> tuple[Permission, ...]:
    """The records as the gate takes them. about: all that they open; "" for everything."""
    covers = frozenset({about}) if about else None
    return tuple(Permission(record.reference, record.valid_from, record.valid_to, covers) for record in records)
