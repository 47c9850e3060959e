"""The names that a new certificate is for: decided here, never by what a host says. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address

from opsctl.profiles.hosted import Component

_HOST = re.compile(r"DNS:((?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)")
_ADDRESS = "IP Address:"


def names_of(component: Component, said: str, known: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names to sign for: the profile's, then those `known` from the authority's own certificate, no wildcards.

    Second, those left out. said: what the host says of the certificate in use, as openssl prints it: never signed.
    """
    more = component.certificate.names if component.certificate else ()
    names = tuple(dict.fromkeys([*own_names(component), *more, *(name for name in known if not name.startswith("*"))]))
    return names, left_of(said, names, known)


def left_of(said: str, names: Sequence[str], known: Sequence[str] = ()) -> tuple[str, ...]:
    """What the host says of its certificate, or the authority of its own, and is not among `names`."""
    claimed = [*known, *(name for item in said.split(", ") if (name := _name_in(item)))]
    return tuple(dict.fromkeys(name for name in claimed if name not in names))


def own_names(component: Component) -> tuple[str, str]:
    """The name that its certificate is asked for, and its address."""
    return component.server_name or component.address, component.address


def _name_in(item: str) -> str:
    match = _HOST.fullmatch(item)
    if match:
        return match[1]
    try:
        return str(ip_address(item.removeprefix(_ADDRESS))) if item.startswith(_ADDRESS) else ""
    except ValueError:
        return ""
