#!/usr/bin/python
"""Ansible module: the packages of one host with the names of their licences, in one task."""

from __future__ import annotations

DOCUMENTATION = r"""
module: opsctl_package_licences
short_description: Packages of this host and the names of their licences
description:
  - Asks dpkg and reads the copyright file of each package. Changes nothing.
options:
  documents:
    description: Folder with a folder for each package.
    type: path
    default: /usr/share/doc
author:
  - opsctl
"""

EXAMPLES = r"""
- name: List the packages
  opsctl_package_licences:
  register: found
"""

RETURN = r"""
packages:
  description: Each with name, version, architecture and licences - names in order, empty when the text names none.
  type: list
  returned: always
"""

import os
import re

from ansible.module_utils.basic import AnsibleModule

LARGEST = 512 * 1024
COMMON = re.compile(r"/usr/share/common-licenses/([A-Za-z0-9][A-Za-z0-9.+-]*[A-Za-z0-9])")
FIELD = re.compile(r"^License:[ \t]*(\S.*)$", re.MULTILINE | re.IGNORECASE)


def licences_of(text):
    """Names of licences in a copyright file: of the machine-readable form, else of the common licences it names."""
    if re.match(r"\s*format(-specification)?:", text, re.IGNORECASE):
        named = {" ".join(value.split())[:80] for value in FIELD.findall(text)}
        if named:
            return sorted(named)
    return sorted(set(COMMON.findall(text)))


def read(path):
    """The text of a copyright file; empty when there is none."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(LARGEST)
    except OSError:
        return ""


def parse(listing):
    """Installed packages of a dpkg-query listing."""
    found = []
    for line in listing.splitlines():
        status, name, version, architecture = line.split("\t")
        if status.startswith("ii") or status.startswith("hi"):
            found.append({"name": name, "version": version, "architecture": architecture})
    return found


def main():
    """List and return."""
    module = AnsibleModule(argument_spec={"documents": {"type": "path", "default": "/usr/share/doc"}},
                           supports_check_mode=True)
    listing = module.run_command(["dpkg-query", "-W", "-f",
                                  "${db:Status-Abbrev}\\t${Package}\\t${Version}\\t${Architecture}\\n"],
                                 check_rc=True)[1]
    folder = module.params["documents"]
    module.exit_json(changed=False, packages=[
        {**package, "licences": licences_of(read(os.path.join(folder, package["name"], "copyright")))}
        for package in parse(listing)])


if __name__ == "__main__":
    main()
