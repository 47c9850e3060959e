"""A customer's profile made from a few answers: what somebody types becomes the parts of the document."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from opsctl.core.errors import UsageError

_HOST = re.compile(r"(?P<name>[^=]+)=(?P<address>[^/]+)/(?P<roles>[a-z+]+)")
_DATABASE = re.compile(r"(?P<name>[^=]+)=(?P<engine>[a-z]+)@(?P<host>.+)")
_CONTACT = re.compile(r"(?P<name>[^<>]+) <(?P<email>[^<>@\s]+@[^<>\s]+)>")
_S3 = re.compile(r"s3:(?P<bucket>[^@]+)(@(?P<endpoint>https://.+))?")


@dataclass(frozen=True)
class SystemAnswers:
    """What a system that Kamstrup hosts needs, as it is typed."""

    hosts: Sequence[str] = ()
    databases: Sequence[str] = ()
    store: str | None = None
    store_credentials: str | None = None
    recipients: Sequence[str] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """The options that are needed and were not given."""
        options = {"--host": self.hosts, "--database": self.databases, "--store": self.store,
                   "--recipient": self.recipients}
        return tuple(name for name, given in options.items() if not given)


@dataclass(frozen=True)
class AgreementAnswers:
    """The Software Maintenance Agreement, as it is typed."""

    reference: str
    valid_from: date
    valid_to: date

    def document(self) -> dict[str, Any]:
        """As it stands in a profile."""
        return {"reference": self.reference, "valid_from": self.valid_from, "valid_to": self.valid_to}


def contact(text: str) -> dict[str, Any]:
    """`Name <address>` as the one contact who is told and asked everything."""
    found = _CONTACT.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"--contact {text!r} is not a name and an address",
                         'write it as "Operations <operations@customer.example>"')
    return {"name": found["name"].strip(), "email": found["email"],
            "roles": ["notices", "technical", "contract", "security", "accountable"]}


def hosted_parts(answers: SystemAnswers) -> dict[str, Any]:
    """Hosts, databases and backup as they stand in a profile; UsageError for what cannot be read."""
    return {"hosts": [_host(text) for text in answers.hosts],
            "databases": [_database(text) for text in answers.databases],
            "backup": {"store": _store(answers), "recipients": [_recipient(text) for text in answers.recipients]}}


def moved(document: Mapping[str, Any], hosting: str, day: date, agreement: AgreementAnswers | None,
          system: Mapping[str, Any]) -> dict[str, Any]:
    """The profile from `day` on under another hosting; what held before goes to the head of `earlier` (P02).

    document: the profile as it is, without defaults. system: the parts that only the new hosting has.
    """
    dropped = {"hosts", "databases", "backup", "components", "thresholds", "api", "ring", "approvals",
               "remote_hosts", "remote_databases", "agreements", "access", "earlier"}
    before = {"effective_from": document["hosting_from"], "hosting": document["hosting"]}
    before |= {key: document[key] for key in ("agreement", "addons") if document.get(key)}
    found = {key: value for key, value in document.items() if key not in dropped}
    found |= {"hosting": hosting, "hosting_from": day, **system}
    if agreement is not None:
        found["agreement"] = agreement.document()
    if hosting == "customer":
        found["addons"] = [one for one in found.get("addons", ()) if one["name"] != "api-access"]
        if not found["addons"]:
            del found["addons"]
    return {**found, "earlier": [before, *document.get("earlier", ())]}


def _host(text: str) -> dict[str, Any]:
    found = _HOST.fullmatch(text)
    if found is None:
        raise UsageError(f"--host {text!r} cannot be read", "write it as app-1=192.0.2.10/application+database")
    return {"name": found["name"], "address": found["address"], "roles": found["roles"].split("+")}


def _database(text: str) -> dict[str, Any]:
    found = _DATABASE.fullmatch(text)
    if found is None:
        raise UsageError(f"--database {text!r} cannot be read", "write it as ready=postgresql@app-1")
    return {"name": found["name"], "engine": found["engine"], "host": found["host"]}


def _store(answers: SystemAnswers) -> dict[str, Any]:
    text = answers.store or ""
    if text.startswith("/"):
        return {"kind": "directory", "path": text}
    found = _S3.fullmatch(text)
    if found is None or answers.store_credentials is None:
        raise UsageError(f"--store {text!r} cannot be read, or has no --store-credentials",
                         "write /path, or s3:BUCKET@https://endpoint with --store-credentials file:/path")
    endpoint = {"endpoint": found["endpoint"]} if found["endpoint"] else {}
    return {"kind": "s3", **endpoint, "bucket": found["bucket"], "credentials": answers.store_credentials}


def _recipient(text: str) -> dict[str, Any]:
    kept, _, key = text.partition("=")
    if not key:
        raise UsageError(f"--recipient {text!r} cannot be read",
                         "write online=KEY and offline=KEY, KEY being age1... or file:keys/online.pub")
    return {"key": key, "kept": kept}
