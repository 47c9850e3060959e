#!/usr/bin/python
"""Ansible module: boot, versions, units and health of a host, waiting until they are sound."""

from __future__ import annotations

DOCUMENTATION = r"""
module: opsctl_host_state
short_description: Whether a host is sound, read from the host itself
description:
  - Reads the boot id, versions of packages, state of units, units that still run replaced files, and READY's health.
    Changes nothing. Never fails on what it finds - C(wrong) lists it.
options:
  packages:
    description: Names whose installed version is returned.
    type: list
    elements: str
    default: []
  services:
    description: Patterns of units that must be active; each must match at least one.
    type: list
    elements: str
    default: []
  health_url:
    description: Address of READY's health page; empty for none.
    type: str
    default: ""
  wait_seconds:
    description: How long to wait for units and health to become sound.
    type: int
    default: 0
  started_before:
    description: Units with their invocation as opsctl_patch_facts gave them; those not started since are returned.
    type: list
    elements: dict
    default: []
author:
  - opsctl
"""

EXAMPLES = r"""
- name: Wait until the host is sound
  opsctl_host_state:
    services: ["postgresql@*-main.service"]
    wait_seconds: 60
  register: host_state
"""

RETURN = r"""
boot_id:
  description: The id of the present boot.
  type: str
  returned: always
versions:
  description: Installed version by package name; empty for one that is not installed.
  type: dict
  returned: always
to_restart:
  description: Units that run replaced files, or belong to an upgrade and were not started since.
  type: list
  returned: always
only_by_reboot:
  description: Units that run replaced files and are renewed only by a reboot.
  type: list
  returned: always
reboot_required:
  description: Packages that ask for a reboot.
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
units:
  description: State of the units by pattern of C(services).
  type: dict
  returned: always
health:
  description: What READY's health page answered - ok, status, answer; none without C(health_url).
  type: dict
  returned: always
wrong:
  description: What is wrong with units and health; empty when all is well.
  type: list
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.opsctl_host import (
    boot_id,
    installed_versions,
    interrupted,
    reboot_required,
    stale_units,
    unit_states,
    wait_until_sound,
)


def not_started_since(module, before):
    """Units of `before` that are active and still have the same invocation."""
    states = unit_states(module, [unit["unit"] for unit in before])
    now = {state["unit"]: state for found in states.values() for state in found}
    return [unit["unit"] for unit in before
            if now.get(unit["unit"], {}).get("active") == "active"
            and now[unit["unit"]]["invocation"] == unit["invocation"]]


def main():
    """Gather and return."""
    module = AnsibleModule(argument_spec={
        "packages": {"type": "list", "elements": "str", "default": []},
        "services": {"type": "list", "elements": "str", "default": []},
        "health_url": {"type": "str", "default": ""},
        "wait_seconds": {"type": "int", "default": 0},
        "started_before": {"type": "list", "elements": "dict", "default": []},
    }, supports_check_mode=True)
    given = module.params
    states, health, wrong = wait_until_sound(module, given["services"], given["health_url"], given["wait_seconds"])
    restart, only_by_reboot = stale_units()
    own = unit_states(module, ["opsctl-*"])["opsctl-*"]
    module.exit_json(
        changed=False, boot_id=boot_id(), versions=installed_versions(module, given["packages"]),
        to_restart=sorted({*restart, *not_started_since(module, given["started_before"])}),
        only_by_reboot=only_by_reboot, reboot_required=reboot_required(),
        interrupted=interrupted(module),
        opsctl_units=[unit["unit"] for unit in own if unit["active"] in {"active", "activating"}],
        units=states, health=health, wrong=wrong)


if __name__ == "__main__":
    main()
