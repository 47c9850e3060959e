#!/usr/bin/python
"""Ansible module: a copy of READY's database on its own host, to go back to when an installation fails."""

from __future__ import annotations

DOCUMENTATION = r"""
module: opsctl_ready_copy
short_description: Copy READY's database before an installation, put the copy back, or let it go
description:
  - The copy lies in C(/var/lib/opsctl/ready-update), readable for root alone, and is taken while READY is stopped.
    It is the way back of one installation and no backup. READY's other databases are not touched.
  - A restored copy is proven by the number of rows in each table.
options:
  name:
    description: The database.
    type: str
    required: true
  engine:
    description: Its engine.
    type: str
    required: true
    choices: [postgresql, mariadb]
  cluster:
    description: Debian's name of the PostgreSQL cluster.
    type: str
    default: main
  action:
    description: take a copy, put it back (C(restore)), or C(forget) it.
    type: str
    required: true
    choices: [take, restore, forget]
  version:
    description: READY's version that the copy belongs to.
    type: str
    required: true
  unit:
    description: Name of the transient unit on the host.
    type: str
    required: true
  seconds:
    description: When the work is ended.
    type: int
    default: 3600
author:
  - opsctl
"""

EXAMPLES = r"""
- name: Copy the database
  opsctl_ready_copy: {name: ready, engine: postgresql, action: take, version: 5.4.0, unit: opsctl-plain-copy}
"""

RETURN = r"""
rows:
  description: Rows by table of the copy taken, restored or forgotten; empty where there is none.
  type: dict
  returned: always
bytes:
  description: Size of the copy; 0 where there is none.
  type: int
  returned: always
reason:
  description: Why nothing was done; empty otherwise.
  type: str
  returned: always
"""

import json
import os
import shutil

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.opsctl_ready import COPIES, Failed, Unit, engine, free_bytes


class Copy:
    """The copy of one database: its file and what is known of it. It exists once the second is written."""

    def __init__(self, database):
        self.database = database
        self.folder = os.path.join(COPIES, database.name)
        self.file = os.path.join(self.folder, f"copy.{database.suffix}")
        self.note = os.path.join(self.folder, "copy.json")

    def known(self):
        """{version, rows, bytes} of a complete copy, or None."""
        try:
            with open(self.note, encoding="utf-8") as stream:
                return json.load(stream)
        except FileNotFoundError:
            return None

    def require_room(self):
        """Failed when a copy does not fit; the database's size is the most that it takes."""
        need, free = self.database.size() + 64 * 1024 * 1024, free_bytes(COPIES)
        if free < need:
            raise Failed(f"{COPIES} has {free / 1e6:.0f} MB free, {need / 1e6:.0f} MB are needed for a copy of "
                         f"{self.database.name}")

    def take(self, version, unit):
        """Write the copy, then the note that makes it one."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder, mode=0o700)
        os.chmod(COPIES, 0o700)
        os.close(os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        unit.run(self.database.dump(), self.database.user, stdout=self.file)
        note = {"version": version, "rows": self.database.rows(), "bytes": os.path.getsize(self.file)}
        with open(f"{self.note}.new", "w", encoding="utf-8") as stream:
            json.dump(note, stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.rename(f"{self.note}.new", self.note)
        return note

    def restore(self, unit):
        """Put it back and count the rows."""
        note = self.known()
        self.database.restore(unit, self.file)
        rows = self.database.rows()
        if rows != note["rows"]:
            raise Failed(f"the restored {self.database.name} has {rows} rows, the copy had {note['rows']}")
        return note


def act(copy, given, check):
    """(changed, why nothing was done, what is known of the copy)."""
    known, action = copy.known(), given["action"]
    if action == "forget":
        if os.path.isdir(copy.folder) and not check:
            shutil.rmtree(copy.folder)
        return known is not None, "" if known else "there is no copy", known
    if action == "take":
        copy.require_room()
        return True, "", None if check else copy.take(given["version"], Unit(given["unit"], given["seconds"]))
    if known is None:
        return False, "there is no copy: the database was not touched", None
    if known["version"] != given["version"]:
        # A copy is taken before anything is installed: this one is left from an earlier installation.
        return False, f"the copy belongs to READY {known['version']}: the database was not touched", None
    return True, "", known if check else copy.restore(Unit(given["unit"], given["seconds"]))


def main():
    """Do one of the three."""
    module = AnsibleModule(argument_spec={
        "name": {"type": "str", "required": True},
        "engine": {"type": "str", "required": True, "choices": ["postgresql", "mariadb"]},
        "cluster": {"type": "str", "default": "main"},
        "action": {"type": "str", "required": True, "choices": ["take", "restore", "forget"]},
        "version": {"type": "str", "required": True}, "unit": {"type": "str", "required": True},
        "seconds": {"type": "int", "default": 3600},
    }, supports_check_mode=True)
    try:
        changed, reason, known = act(Copy(engine(module.params)), module.params, module.check_mode)
    except (Failed, OSError, ValueError) as error:
        module.fail_json(msg=f"{module.params['name']}: {error}")
    known = known or {"rows": {}, "bytes": 0}
    module.exit_json(changed=changed, reason=reason, rows=known["rows"], bytes=known["bytes"])


if __name__ == "__main__":
    main()
