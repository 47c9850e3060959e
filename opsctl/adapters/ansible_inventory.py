"""The one inventory of a run over several customers, and the file of variables beside it.

Hosts are named `CUSTOMER--HOST`, so that two customers may both have a `db1`; what is known of a host
stands at the host, never in a group. Every text is written as data (`!unsafe`): a value that looks like
a template is not evaluated.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from opsctl.core.errors import ConfigurationError
from opsctl.core.secret import Secret
from opsctl.profiles.hosted import Host
from opsctl.profiles.inventory import connection_variables, ssh_arguments


@dataclass(frozen=True)
class Target:
    """One host of one customer. known_hosts: the customer's file. variables: for this host alone."""

    customer: str
    host: Host
    known_hosts: Path
    variables: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name in the inventory; unambiguous, since neither part may hold two hyphens in a row."""
        return f"{self.customer}--{self.host.name}"


def inventory_text(targets: Sequence[Target], identity: Path) -> str:
    """The inventory as YAML, hosts in the order of `targets`.

    ConfigurationError when a known_hosts file is missing or its path cannot be quoted.
    """
    hosts: dict[str, Any] = {}
    for target in targets:
        if target.name in hosts:
            raise ConfigurationError(f"{target.customer}: the host {target.host.name} is planned twice",
                                     "name each host once")
        hosts[target.name] = {
            **target.variables, **connection_variables(target.host),
            "ansible_ssh_common_args": ssh_arguments(checked_known_hosts(target)),
            "ansible_ssh_private_key_file": str(identity),
        }
    return data_yaml({"all": {"hosts": hosts}})


def write_private(file: Path, text: str) -> Path:
    """Create `file` with mode 0600; FileExistsError when it is there already."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    return file


def data_yaml(tree: Mapping[str, Any]) -> str:
    """YAML for Ansible in which every text is data; secrets are revealed here, into a 0600 file."""
    import yaml

    class Data(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("!unsafe", value, style='"')

    def mapping(dumper: yaml.SafeDumper, value: Mapping[str, Any]) -> yaml.MappingNode:
        # Keys are names and stay plain: only values could be taken for templates.
        return yaml.MappingNode("tag:yaml.org,2002:map", [
            (dumper.represent_scalar("tag:yaml.org,2002:str", str(key)), dumper.represent_data(content))
            for key, content in value.items()])

    Data.add_representer(str, text)
    Data.add_multi_representer(str, text)
    Data.add_representer(Secret, lambda dumper, value: text(dumper, value.reveal()))
    Data.add_representer(dict, mapping)
    Data.add_representer(tuple, yaml.SafeDumper.represent_list)
    return yaml.dump(dict(tree), Dumper=Data, sort_keys=False, allow_unicode=True, width=4096)


def checked_known_hosts(target: Target) -> str:
    """The path of the target's known_hosts, as ssh can be told it; ConfigurationError when it is missing."""
    path = str(target.known_hosts)
    if not target.known_hosts.is_file():
        raise ConfigurationError(f"{target.customer}: {path} is missing, so {target.host.name} cannot be recognised",
                                 "write the hosts' public keys into it, taken from the hosts themselves")
    if any(character in path for character in "\"'\\%\n"):
        raise ConfigurationError(f"{target.customer}: the path {path} holds a quote, backslash or percent sign",
                                 "move the inventories to a folder without them")
    return path
