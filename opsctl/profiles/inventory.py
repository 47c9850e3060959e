"""The Ansible inventory of a customer, derived from its profile and from nothing else.

The same host variables go into the committed `inventories/CUSTOMER/hosts.yml`, for a plain
`ansible-playbook`, and into the inventory that opsctl generates for a run over many customers.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from opsctl.profiles.hosted import Database, Engine, Host, HostRole, Method, PlacedDatabase
from opsctl.profiles.model import KamstrupProfile, Profile, databases_of, hosts_of

READY_PORT = 8443
"""Where READY's application server listens: TLS, `/health` and `/version` without a login."""

READY_UNIT = "ready-server.service"

SSH_STRICT = "-F /dev/null -o StrictHostKeyChecking=yes -o GlobalKnownHostsFile=/dev/null -o IdentitiesOnly=yes " \
             "-o BatchMode=yes"
"""Options of every SSH connection: nothing from the operator's own configuration, no unknown host key."""

_HEADER = """\
---
# Generated from profile.yml beside it: change the profile, then `python -m opsctl.profiles.inventory inventories`.
# Use: ansible-playbook -i inventories/CUSTOMER/hosts.yml playbooks/PLAYBOOK.yml
"""


def in_order(profile: Profile) -> tuple[Host, ...]:
    """The hosts in the order in which they are worked on: those with a database before the others."""
    return tuple(sorted(hosts_of(profile), key=lambda host: HostRole.DATABASE not in host.roles))


def host_variables(profile: Profile, host: Host) -> dict[str, Any]:
    """What the playbooks know of a host: its customer, roles, units, databases, READY's health address.

    `opsctl_services` are patterns of `systemctl list-units`; each must match at least one active unit.
    """
    databases = [database for database in databases_of(profile) if database.host == host.name]
    units = {_unit(database.engine, database.cluster) for database in databases}
    application = HostRole.APPLICATION in host.roles
    return {
        "opsctl_customer": profile.customer,
        "opsctl_roles": [role.value for role in host.roles],
        "opsctl_services": [*sorted(units), *([READY_UNIT] if application else [])],
        "opsctl_databases": [{"name": database.name, "engine": database.engine.value, "cluster": database.cluster,
                              **({"method": "logical"} if _logical(database) else {})}
                             for database in databases],
        "opsctl_ready_health": f"https://{_bracketed(host.address)}:{READY_PORT}/health" if application else "",
    }


def connection_variables(host: Host) -> dict[str, Any]:
    """How Ansible reaches a host, without key files."""
    return {"ansible_host": host.address, "ansible_port": host.port, "ansible_user": host.user,
            "ansible_python_interpreter": "/usr/bin/python3"}


def hosts_yaml(profile: Profile) -> str:
    """The text of `inventories/CUSTOMER/hosts.yml`; host keys are checked against `known_hosts` beside it."""
    arguments = ssh_arguments("{{ inventory_dir }}/known_hosts")
    hosts = {host.name: {**connection_variables(host), "ansible_ssh_common_args": arguments,
                         **host_variables(profile, host)} for host in in_order(profile)}
    groups = {role.value: {"hosts": {host.name: None for host in in_order(profile) if role in host.roles}}
              for role in HostRole if any(role in host.roles for host in hosts_of(profile))}
    return _HEADER + _dump({"all": {"hosts": hosts, "children": groups}})


def ssh_arguments(known_hosts: str) -> str:
    """Options of ssh as one shell-quoted text; `known_hosts` may hold spaces, but no quotes."""
    return f"{SSH_STRICT} -o 'UserKnownHostsFile=\"{known_hosts}\"'"


def write_inventories(inventories: Path) -> None:
    """Write `hosts.yml` beside the profile of every vendor-hosted customer."""
    from opsctl.profiles.loader import customer_names, load_profile

    for name in customer_names(inventories):
        profile = load_profile(inventories, name)
        if isinstance(profile, KamstrupProfile):
            (inventories / name / "hosts.yml").write_text(hosts_yaml(profile), encoding="utf-8")


def _logical(database: PlacedDatabase) -> bool:
    return isinstance(database, Database) and database.method is Method.LOGICAL


def _unit(engine: Engine, cluster: str) -> str:
    # Debian's postgresql.service is active even when its clusters are down; the instance is what runs.
    return f"postgresql@*-{cluster}.service" if engine is Engine.POSTGRESQL else "mariadb.service"


def _bracketed(address: str) -> str:
    try:
        return f"[{address}]" if ip_address(address).version == 6 else address
    except ValueError:
        return address


def _dump(tree: Mapping[str, Any]) -> str:
    import yaml

    class Indented(yaml.SafeDumper):
        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            # Sequences indented under their key, as yamllint asks.
            super().increase_indent(flow, False)

    Indented.add_representer(type(None), lambda dumper, _: dumper.represent_scalar("tag:yaml.org,2002:null", ""))
    return yaml.dump(tree, Dumper=Indented, sort_keys=False, width=200, allow_unicode=True)


if __name__ == "__main__":
    write_inventories(Path(sys.argv[1]))
