#!/usr/bin/python
"""Ansible module: everything an installation of READY needs to know of one host, in one task."""

from __future__ import annotations

DOCUMENTATION = r"""
module: opsctl_ready_facts
short_description: READY's package, its answers and its databases on this host
description:
  - Reads the installed version, the versions that the signed repository offers, the state of dpkg, free space,
    READY's health and version, and size and version of the databases. Installs nothing.
  - A package index that cannot be refreshed or whose signature is wrong is a failure.
options:
  application:
    description: Whether READY runs on this host.
    type: bool
    default: true
  databases:
    description: READY's databases on this host, each with name, engine and cluster.
    type: list
    elements: dict
    default: []
  health_url:
    description: Address of READY's health page; empty for none.
    type: str
    default: ""
  refresh:
    description: Refresh the package index first.
    type: bool
    default: true
  expect:
    description: Wait until READY is healthy in this version; empty waits for nothing.
    type: str
    default: ""
  wait_seconds:
    description: How long to wait for C(expect).
    type: int
    default: 0
author:
  - opsctl
"""

EXAMPLES = r"""
- name: Ask the host about READY
  opsctl_ready_facts:
    health_url: https://198.51.100.11:8443/health
  register: ready_facts
"""

RETURN = r"""
installed:
  description: The installed version of the package; empty when it is not installed.
  type: str
  returned: always
held:
  description: Whether the package is on hold.
  type: bool
  returned: always
offered:
  description: Versions that the repository offers, newest first.
  type: list
  returned: always
interrupted:
  description: What dpkg left half done.
  type: list
  returned: always
opsctl_units:
  description: Transient units of opsctl that are active.
  type: list
  returned: always
busy:
  description: Processes that hold the package system, for example an upgrade that runs by itself.
  type: list
  returned: always
os:
  description: Name and version of the operating system.
  type: dict
  returned: always
free_bytes:
  description: Free bytes for packages, and for copies of databases.
  type: dict
  returned: always
databases:
  description:
    - Databases with name, engine, version, bytes, what ways back kept beside them (C(kept)), free_bytes where their
      files lie, and whether the copies lie on the same volume (C(with_copies)); or error.
  type: list
  returned: always
copies:
  description: Complete copies of databases that an unfinished installation left, with name, version and restored.
  type: list
  returned: always
health:
  description: What READY's health page answers - status and answer.
  type: dict
  returned: always
version:
  description: What READY's version page answers; empty for none.
  type: str
  returned: always
modules:
  description: The modules that are switched on, by READY's version page.
  type: list
  returned: always
wrong:
  description: What keeps READY from being healthy in the expected version; empty when nothing does.
  type: list
  returned: always
"""

import json
import os
import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.opsctl_apt import UPDATE, patiently
from ansible.module_utils.opsctl_host import ask, health, installed_versions, interrupted, unit_states
from ansible.module_utils.opsctl_ready import (
    COPIES,
    PACKAGE,
    Failed,
    engine,
    free_bytes,
    holders,
    kept,
    madison,
    run,
    system,
    volume,
)


def database_facts(entry):
    """What is known of one database."""
    try:
        database = engine(entry)
        folder = database.folder()
        return {**entry, "version": database.server_version(), "bytes": database.size(), "kept": kept(database),
                "free_bytes": free_bytes(folder), "with_copies": volume(folder) == volume(COPIES)}
    except (Failed, OSError, ValueError) as error:
        return {**entry, "error": str(error)[:300]}


def copies():
    """[{name, version, restored}] of the copies that are complete."""
    found = []
    for name in sorted(os.listdir(COPIES)) if os.path.isdir(COPIES) else []:
        try:
            with open(os.path.join(COPIES, name, "copy.json"), encoding="utf-8") as stream:
                known = json.load(stream)
        except FileNotFoundError:
            continue
        found.append({"name": name, "version": known["version"], "restored": known.get("restored", False)})
    return found


def answers(url, expect, seconds):
    """(health, version page, what is wrong), waiting until READY is healthy in version `expect`."""
    end = time.monotonic() + seconds
    while True:
        found = health(url)
        answer = found["answer"]
        told = ask(url.removesuffix("/health") + "/version")["answer"]
        told = told if isinstance(told, dict) else {}
        version = told.get("version", "")
        wrong = []
        if not found["ok"]:
            reason = answer.get("reason", answer) if isinstance(answer, dict) else answer
            wrong.append("its health page answers {}: {}".format(found["status"] or "nothing", reason))
        if expect and version != expect:
            wrong.append(f"its version page says {version or 'nothing'} instead of {expect}")
        if not wrong or time.monotonic() >= end:
            return found, told, wrong
        time.sleep(1)


def main():
    """Gather and return."""
    module = AnsibleModule(argument_spec={
        "application": {"type": "bool", "default": True},
        "databases": {"type": "list", "elements": "dict", "default": []},
        "health_url": {"type": "str", "default": ""}, "refresh": {"type": "bool", "default": True},
        "expect": {"type": "str", "default": ""}, "wait_seconds": {"type": "int", "default": 0},
    }, supports_check_mode=True)
    given = module.params
    try:
        offered = []
        if given["application"] and given["refresh"]:
            patiently(lambda: run(UPDATE))
        if given["application"]:
            offered = madison(patiently(lambda: run(["apt-cache", "madison", PACKAGE])))
        held = PACKAGE in run(["apt-mark", "showhold"]).split()
    except Failed as error:
        module.fail_json(msg=str(error))
    url = given["health_url"]
    health, told, wrong = answers(url, given["expect"], given["wait_seconds"]) if url else ({}, {}, [])
    own = unit_states(module, ["opsctl-*"])["opsctl-*"]
    module.exit_json(
        changed=False, installed=installed_versions(module, [PACKAGE])[PACKAGE], held=held, offered=offered,
        interrupted=interrupted(module), busy=holders(), os=system(), health=health, version=told.get("version", ""),
        modules=told.get("modules", []), wrong=wrong,
        opsctl_units=[unit["unit"] for unit in own if unit["active"] in {"active", "activating"}],
        free_bytes={"packages": free_bytes("/usr"), "copies": free_bytes(COPIES)},
        databases=[database_facts(entry) for entry in given["databases"]],
        copies=copies())


if __name__ == "__main__":
    main()
