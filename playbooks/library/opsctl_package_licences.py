#!/usr/bin/python
"""Ansible module: the packages of one host with the names of their licences, its cores, and its meters, in one task."""

from __future__ import annotations

DOCUMENTATION = r"""
module: opsctl_package_licences
short_description: Packages of this host and the names of their licences
description:
  - Asks dpkg and reads the copyright file of each package; counts processor cores, and the meters in READY's databases.
    Changes nothing.
options:
  documents:
    description: Folder with a folder for each package.
    type: path
    default: /usr/share/doc
  databases:
    description: READY's databases on this host, each with name, engine and cluster.
    type: list
    elements: dict
    default: []
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
cores:
  description: Processor cores; where the processor does not tell them apart, processors.
  type: int
  returned: always
meters:
  description: By database its number of meters; null where it has no table of them, text where it could not be asked.
  type: dict
  returned: always
"""

import os
import re

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.opsctl_ready import Failed, engine

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


def cores_of(text):
    """Cores in the text of /proc/cpuinfo: by package and core, else every processor."""
    blocks = [dict(line.split(":", 1) for line in block.splitlines() if ":" in line) for block in text.split("\n\n")]
    known = [{key.strip(): value.strip() for key, value in block.items()} for block in blocks if block]
    processors = [one for one in known if "processor" in one]
    if processors and all("physical id" in one and "core id" in one for one in processors):
        return len({(one["physical id"], one["core id"]) for one in processors})
    return len(processors)


def meters_of(databases):
    """Meters by database."""
    found = {}
    for entry in databases:
        try:
            found[entry["name"]] = engine(entry).count("meters")
        except (Failed, OSError, ValueError) as error:
            found[entry["name"]] = str(error)[:300]
    return found


def main():
    """List, count and return."""
    module = AnsibleModule(argument_spec={
        "documents": {"type": "path", "default": "/usr/share/doc"},
        "databases": {"type": "list", "elements": "dict", "default": []}}, supports_check_mode=True)
    listing = module.run_command(["dpkg-query", "-W", "-f",
                                  "${db:Status-Abbrev}\\t${Package}\\t${Version}\\t${Architecture}\\n"],
                                 check_rc=True)[1]
    folder = module.params["documents"]
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        cores = cores_of(file.read())
    module.exit_json(changed=False, cores=cores, meters=meters_of(module.params["databases"]), packages=[
        {**package, "licences": licences_of(read(os.path.join(folder, package["name"], "copyright")))}
        for package in parse(listing)])


if __name__ == "__main__":
    main()
