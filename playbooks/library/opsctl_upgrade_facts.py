#!/usr/bin/python
"""Ansible module: everything an upgrade of Debian's release or PostgreSQL's major version needs to know of one host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: opsctl_upgrade_facts
short_description: Whether the Debian release or PostgreSQL of this host can be upgraded
description:
  - Reads release, boot, dpkg, holds, sources, space, PostgreSQL's clusters, units and READY's health.
  - For a Debian release, apt works the upgrade out with lists of its own, so that the host's stay as they are.
  - Never fails on what it finds - C(problems) lists it.
options:
  debian:
    description: The Debian release to go to; 0 for none.
    type: int
    default: 0
  postgresql:
    description: PostgreSQL's major version to go to; 0 for none.
    type: int
    default: 0
  databases:
    description: READY's databases on this host, each with name, engine and cluster.
    type: list
    elements: dict
    default: []
  services:
    description: Patterns of units that must be active.
    type: list
    elements: str
    default: []
  health_url:
    description: READY's health page; empty for none.
    type: str
    default: ""
  count:
    description: Count the rows of READY's databases.
    type: bool
    default: false
  wait_seconds:
    description: How long units and READY's health may take to become sound.
    type: int
    default: 0
author:
  - opsctl
"""

EXAMPLES = r"""
- name: See whether the host can go to Debian 13
  opsctl_upgrade_facts:
    debian: 13
  register: upgrade_facts
"""

RETURN = r"""
problems:
  description: What stands in the way, one line each.
  type: list
  returned: always
due:
  description: Whether anything is to be upgraded here.
  type: bool
  returned: always
os:
  description: Name and version of the operating system.
  type: dict
  returned: always
boot_id:
  description: The id of the present boot.
  type: str
  returned: always
held:
  description: Packages on hold.
  type: list
  returned: always
interrupted:
  description: What dpkg left half done.
  type: list
  returned: always
free:
  description: Free bytes where an upgrade writes.
  type: dict
  returned: always
health:
  description: What READY's health page answered.
  type: dict
  returned: always
sources:
  description: Every enabled source with its fate.
  type: list
  returned: always
next:
  description: What apt would do - packages, removed, download and grows in bytes.
  type: dict
  returned: always
clusters:
  description: PostgreSQL's clusters.
  type: list
  returned: always
rows:
  description: Rows by table of each of READY's databases, when counted.
  type: dict
  returned: always
wrong:
  description: What is wrong with units and health.
  type: list
  returned: always
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.opsctl_ahead import ahead, read_sources
from ansible.module_utils.opsctl_clusters import clusters
from ansible.module_utils.opsctl_host import boot_id, interrupted, unit_states, wait_until_sound
from ansible.module_utils.opsctl_ready import Failed, engine, free_bytes, holders, run, system
from ansible.module_utils.opsctl_upgrade import (
    RELEASES,
    cluster_due,
    debian_due,
    debian_obstacles,
    postgresql_obstacles,
    unfit,
)

NOTHING_AHEAD = {"error": "", "base": "", "packages": 0, "removed": [], "download": 0, "grows": 0}
ARCHIVES = "/var/cache/apt/archives"
DATA = "/var/lib/postgresql"


def space():
    """Free bytes where an upgrade writes."""
    return {"root": free_bytes("/usr"), "archives": free_bytes(ARCHIVES), "data": free_bytes(DATA),
            "same": os.stat("/usr").st_dev == os.stat("/var/cache").st_dev,
            "boot": free_bytes("/boot") if os.path.ismount("/boot") else None}


def cluster_facts(target):
    """All clusters; for those that an upgrade to `target` meets, what is missing or in its way."""
    found = []
    for one in clusters():
        known = one.facts()
        if known["online"]:
            folder = f"/usr/share/postgresql/{target}/extension"
            known["missing_extensions"] = [name for name in known["extensions"]
                                           if os.path.isdir(folder)
                                           and not os.path.exists(os.path.join(folder, f"{name}.control"))]
            known["empty"] = one.version == target and one.empty()
        found.append(known)
    return found


def server_package(version):
    """The version of `postgresql-VERSION` that apt would install or has; "" for none."""
    lines = run(["apt-cache", "policy", f"postgresql-{version}"]).splitlines()
    candidate = next((line.split()[1] for line in lines if line.strip().startswith("Candidate:")), "(none)")
    return "" if candidate == "(none)" else candidate


def gathered(module, given):
    """All facts but the problems."""
    _states, health, wrong = wait_until_sound(module, given["services"], given["health_url"], given["wait_seconds"])
    own = unit_states(module, ["opsctl-*"])["opsctl-*"]
    here = system()
    old, new = (RELEASES.get(number) for number in (given["debian"] - 1, given["debian"]))
    supported = bool(old and new and here["version"] == str(given["debian"] - 1))
    sources = read_sources(old, new) if supported else []
    return {
        "os": here, "boot_id": boot_id(), "wrong": wrong, "health": health or {}, "interrupted": interrupted(module),
        "busy": holders(), "opsctl_units": [one["unit"] for one in own if one["active"] in {"active", "activating"}],
        "held": run(["apt-mark", "showhold"]).split(), "free": space(), "sources": sources,
        "next": ahead(sources, old, new) if supported else NOTHING_AHEAD,
        "clusters": cluster_facts(given["postgresql"]), "mine": [one["name"] for one in given["databases"]],
        "server_package": server_package(given["postgresql"]) if given["postgresql"] else "",
        "rows": {one["name"]: engine(one).rows() for one in given["databases"]} if given["count"] else {}}


def judged(facts, given):
    """(whether anything is due, what stands in the way)."""
    if given["debian"]:
        due = debian_due(facts, given["debian"])
        return due, debian_obstacles(facts, given["debian"]) if due else []
    if given["postgresql"]:
        names = sorted({one["cluster"] for one in given["databases"] if one["engine"] == "postgresql"})
        here = {name: [one for one in facts["clusters"] if one["cluster"] == name] for name in names}
        due = any(cluster_due(found, given["postgresql"]) for found in here.values())
        number = int(facts["os"]["version"]) if facts["os"]["version"].isdigit() else 0
        return due, postgresql_obstacles(facts, given["postgresql"], names, number) if due else []
    return False, unfit(facts)


def main():
    """Gather, judge, return."""
    module = AnsibleModule(argument_spec={
        "debian": {"type": "int", "default": 0}, "postgresql": {"type": "int", "default": 0},
        "databases": {"type": "list", "elements": "dict", "default": []},
        "services": {"type": "list", "elements": "str", "default": []},
        "health_url": {"type": "str", "default": ""}, "count": {"type": "bool", "default": False},
        "wait_seconds": {"type": "int", "default": 0},
    }, supports_check_mode=True)
    try:
        facts = gathered(module, module.params)
    except (Failed, OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    due, problems = judged(facts, module.params)
    module.exit_json(
        changed=False, due=due, problems=problems, os=facts["os"], boot_id=facts["boot_id"], held=facts["held"],
        interrupted=facts["interrupted"], sources=facts["sources"], next=facts["next"], free=facts["free"],
        clusters=facts["clusters"], rows=facts["rows"], wrong=facts["wrong"], health=facts["health"])


if __name__ == "__main__":
    main()
