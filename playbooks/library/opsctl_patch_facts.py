#!/usr/bin/python
"""Ansible module: everything a patch plan needs to know of one Debian host, in one task."""

from __future__ import annotations

DOCUMENTATION = r"""
module: opsctl_patch_facts
short_description: What apt would install on this host, and what that means for it
description:
  - Refreshes the package index, simulates the upgrade with apt itself, and reads holds, the state of dpkg,
    pending reboots and the services concerned. Installs nothing.
  - A package index that cannot be refreshed is a failure, never "up to date".
options:
  refresh:
    description: Refresh the package index first.
    type: bool
    default: true
  lock_seconds:
    description: How long to wait while another process holds apt's locks.
    type: int
    default: 120
  never:
    description: Packages that are not patched this way, even when they are not on hold.
    type: list
    elements: str
    default: []
  planned:
    description: Exactly the packages to install, each with name and to; left out, all that is offered.
    type: list
    elements: dict
  security_only:
    description: Without a plan, install only what C(security) lists.
    type: bool
    default: false
  services:
    description: Patterns of units that should be active.
    type: list
    elements: str
    default: []
author:
  - opsctl
"""

EXAMPLES = r"""
- name: Ask the host what there is to patch
  opsctl_patch_facts:
    never: [ready-server]
  register: patch_facts
"""

RETURN = r"""
upgrades:
  description: Packages that would be installed, with name, from (empty for a new one), to, security, origins.
  type: list
  returned: always
security:
  description: Names of the upgrades to install when only security fixes are wanted, with what those need.
  type: list
  returned: always
install:
  description: What is still to be installed, with name, from, to - the plan without what is there already.
  type: list
  returned: always
differences:
  description: Where installing exactly C(install) would do something else, one line each; empty when it would not.
  type: list
  returned: always
down:
  description: Units of C(services) that are missing or not active, one line each.
  type: list
  returned: always
removals:
  description: Packages that the upgrade would remove.
  type: list
  returned: always
held:
  description: Packages on hold that have a newer version, with name, installed, offered, security.
  type: list
  returned: always
unheld:
  description: Packages of never that would have been upgraded, since they are not on hold.
  type: list
  returned: always
interrupted:
  description: What dpkg left half done; empty when nothing.
  type: list
  returned: always
boot_id:
  description: The id of the present boot.
  type: str
  returned: always
reboot_required:
  description: Packages that ask for a reboot already.
  type: list
  returned: always
reboot_expected:
  description: Packages among the upgrades that will ask for a reboot, as far as it can be known before.
  type: list
  returned: always
only_by_reboot:
  description: Units that run replaced files already and are renewed only by a reboot.
  type: list
  returned: always
reboot_used:
  description: Upgrades of which such a unit runs files now, with package, units.
  type: list
  returned: always
units:
  description: Active units that belong to the upgrades, with unit, active, invocation.
  type: list
  returned: always
seconds:
  description: How long it took.
  type: float
  returned: always
stale:
  description: Units that run replaced files already.
  type: list
  returned: always
"""

import glob
import os
import re
import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.opsctl_apt import (
    RACE_SECONDS,
    UPDATE,
    Failed,
    parse_policy,
    parse_simulation,
    patiently,
    same_packages,
)
from ansible.module_utils.opsctl_host import (
    all_active,
    boot_id,
    installed_versions,
    interrupted,
    reboot_required,
    renewed_only_by_reboot,
    stale_units,
    unit_states,
)

SECONDS = 300
"""No single command may take longer, also when nobody waits for it any more."""
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
KERNEL = re.compile(r"^linux-image-")
ASKS_FOR_REBOOT = re.compile(r"reboot-required|notify-reboot-required")


def run(module, command, patience=RACE_SECONDS):
    """Standard output of `command`; tries again for `patience` seconds while another apt is at it, fails the module
    otherwise."""
    def once():
        what = " ".join(command[:2])
        code, out, error = module.run_command(["timeout", str(SECONDS), *command], environ_update=ENVIRONMENT)
        if code == 124:
            raise Failed(f"{what} did not end within {SECONDS} seconds")
        if code:
            raise Failed(f"{what} failed with exit code {code}: {_last(error or out)}")
        return out

    try:
        return patiently(once, patience)
    except Failed as error:
        module.fail_json(msg=str(error), command=command)


def security_set(module, upgrades):
    """Names to install for security alone: the marked upgrades and whatever apt says they need."""
    marked = ["{}={}".format(package["name"], package["to"]) for package in upgrades if package["security"]]
    if not marked:
        return []
    needed, removals = parse_simulation(run(module, ["apt-get", "-s", "install", "--only-upgrade", *marked]))
    if removals:
        module.fail_json(msg="the security upgrades would remove {}".format(", ".join(removals)))
    return sorted(package["name"] for package in needed)


def to_install(module, upgrades, security):
    """(packages still to install, differences between them and what apt would do with exactly them)."""
    planned = module.params["planned"]
    if planned is None:
        wanted = [package for package in upgrades
                  if package["name"] in security or not module.params["security_only"]]
    else:
        present = installed_versions(module, [package["name"] for package in planned])
        # One that is half installed has no version there, but is replaced all the same.
        replaced = {package["name"]: package["from"] for package in upgrades}
        wanted = [{**package, "from": present[package["name"]] or replaced.get(package["name"], "")}
                  for package in planned if present[package["name"]] != package["to"]]
    install = [{key: package[key] for key in ("name", "from", "to")} for package in wanted]
    if not install:
        return [], []
    offered = {package["name"]: package["to"] for package in upgrades}
    gone = [package for package in install if offered.get(package["name"]) != package["to"]]
    if gone:
        return install, same_packages([package for package in upgrades
                                       if package["name"] in {one["name"] for one in gone}], gone)
    named = ["{}={}".format(package["name"], package["to"]) for package in install if package["from"]]
    announced, removals = parse_simulation(run(module, ["apt-get", "-s", "install", "--only-upgrade", *named]))
    return install, same_packages(announced, install) + [f"{name} would be removed" for name in removals]


def held_packages(module):
    """Packages on hold that have a newer version."""
    names = run(module, ["apt-mark", "showhold"]).split()
    if not names:
        return []
    policy = parse_policy(run(module, ["apt-cache", "policy", *names]))
    return [{"name": name, "installed": known["installed"], "offered": known["candidate"],
             "security": known["security"]}
            for name, known in sorted(policy.items()) if known["candidate"] != known["installed"]]


def mark_hidden_security(module, upgrades):
    """Mark upgrades whose candidate is ordinary, but which pass over a security fix on the way."""
    names = [package["name"] for package in upgrades if package["from"] and not package["security"]]
    policy = parse_policy(run(module, ["apt-cache", "policy", *names])) if names else {}
    for package in upgrades:
        package["security"] = package["security"] or policy.get(package["name"], {}).get("security", False)


def reboot_expected(upgrades):
    """Upgrades that will ask for a reboot: kernels, and packages whose present script does so."""
    expected = []
    for package in upgrades:
        scripts = glob.glob("/var/lib/dpkg/info/{}.postinst".format(package["name"]))
        scripts += glob.glob("/var/lib/dpkg/info/{}:*.postinst".format(package["name"]))
        if KERNEL.match(package["name"]) or any(_mentions(script) for script in scripts):
            expected.append(package["name"])
    return expected


def units_of(module, upgrades):
    """Active units that the upgrades bring."""
    names = [package["name"] for package in upgrades if package["from"]]
    if not names:
        return []
    _code, out, _error = module.run_command(["dpkg-query", "-L", *names], environ_update=ENVIRONMENT)
    units = sorted({os.path.basename(line) for line in out.splitlines()
                    if line.endswith(".service") and "/systemd/system/" in line and "@." not in line})
    states = unit_states(module, units)
    return [state for found in states.values() for state in found if state["active"] == "active"]


def main():
    """Gather and return."""
    module = AnsibleModule(argument_spec={
        "refresh": {"type": "bool", "default": True}, "lock_seconds": {"type": "int", "default": 120},
        "never": {"type": "list", "elements": "str", "default": []},
        "planned": {"type": "list", "elements": "dict"}, "security_only": {"type": "bool", "default": False},
        "services": {"type": "list", "elements": "str", "default": []},
    }, supports_check_mode=True)
    started = time.monotonic()
    if module.params["refresh"]:
        run(module, UPDATE, module.params["lock_seconds"])
    broken = interrupted(module)
    simulated, removals = parse_simulation(run(module, ["apt-get", "-s", "dist-upgrade"]))
    upgrades = [package for package in simulated if package["name"] not in module.params["never"]]
    mark_hidden_security(module, upgrades)
    security = security_set(module, upgrades)
    install, differences = to_install(module, upgrades, security)
    restart, only_by_reboot = stale_units()
    states = unit_states(module, module.params["services"])
    module.exit_json(
        changed=False, upgrades=upgrades, removals=removals, held=held_packages(module), interrupted=broken,
        security=security, install=install, differences=differences, boot_id=boot_id(),
        reboot_required=reboot_required(), only_by_reboot=only_by_reboot,
        reboot_used=renewed_only_by_reboot([package["name"] for package in upgrades]),
        unheld=sorted(package["name"] for package in simulated if package["name"] in module.params["never"]),
        reboot_expected=reboot_expected(upgrades), units=units_of(module, upgrades), stale=restart,
        down=all_active(states), seconds=round(time.monotonic() - started, 2))


def _last(text):
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("E:", "dpkg: error"))] or lines[-3:]
    return " ".join(errors)[:500] or "it said nothing"


def _mentions(script):
    try:
        with open(script, encoding="utf-8", errors="replace") as stream:
            return bool(ASKS_FOR_REBOOT.search(stream.read()))
    except OSError:
        return False


if __name__ == "__main__":
    main()
