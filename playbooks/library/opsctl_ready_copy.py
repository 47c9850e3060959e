#!/usr/bin/python
"""Ansible module: a copy of READY's database on its own host, to go back to when an installation fails."""

from __future__ import annotations

DOCUMENTATION = r"""
module: opsctl_ready_copy
short_description: Copy READY's database before an installation, put the copy back, or let it go
description:
  - The copy lies in C(/var/lib/opsctl/ready-update), readable for root alone, and is taken while READY is stopped.
    It is the way back of one installation and no backup. READY's other databases are not touched.
  - A restored copy is proven by the number of rows in each table. It is put back once; the database that was in its
    place stays beside it as C(NAME_kept_TIME), since READY may have written to it.
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
    description:
      - take a copy, put it back (C(restore)), or C(forget) it. Without a copy of the version nothing is put back, and
        that is a failure.
    type: str
    required: true
    choices: [take, restore, forget]
  kept:
    description: With C(forget), also drop what earlier ways back left.
    type: bool
    default: false
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
kept:
  description: Databases that ways back left beside it.
  type: list
  returned: always
"""

import json
import os
import shutil
import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.opsctl_ready import COPIES, Failed, Unit, engine, free_bytes, kept


class Copy:
    """The copy of one database: its file and what is known of it. It exists once the second is written."""

    def __init__(self, database):
        self.database = database
        self.folder = os.path.join(COPIES, database.name)
        self.file = os.path.join(self.folder, f"copy.{database.suffix}")
        self.note = os.path.join(self.folder, "copy.json")

    def known(self):
        """{version, rows, bytes, restored} of a complete copy, or None."""
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
        note = {"version": version, "rows": self.database.rows(), "bytes": os.path.getsize(self.file),
                "restored": False}
        self._write(note)
        return note

    def _write(self, note):
        with open(f"{self.note}.new", "w", encoding="utf-8") as stream:
            json.dump(note, stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.rename(f"{self.note}.new", self.note)

    def restore(self, unit):
        """Put it back and count the rows."""
        note = self.known()
        stamp = time.strftime("%Y%m%d%H%M%S", time.gmtime())
        self.database.restore(unit, self.file, f"{self.database.name}_kept_{stamp}")
        rows = self.database.rows()
        if rows != note["rows"]:
            raise Failed(f"the restored {self.database.name} has {rows} rows, the copy had {note['rows']}")
        note["restored"] = True
        self._write(note)
        return note


def act(copy, given, check):
    """(changed, why nothing was done, what is known of the copy)."""
    known, action = copy.known(), given["action"]
    if action == "forget":
        left = kept(copy.database) if given["kept"] else []
        for name in [] if check else left:
            copy.database.drop(name)
        if os.path.isdir(copy.folder) and not check:
            shutil.rmtree(copy.folder)
        return known is not None or bool(left), "" if known or left else "there is no copy", known
    if action == "take":
        copy.require_room()
        return True, "", None if check else copy.take(given["version"], Unit(given["unit"], given["seconds"]))
    if known is None or known["version"] != given["version"]:
        # A copy is taken before anything is installed: one of another version is left from an earlier installation.
        found = f"the copy belongs to READY {known['version']}" if known else "there is no copy"
        raise Failed(f"{found}: the database was not touched")
    if known.get("restored"):
        # READY has run on it since, and may have written.
        return False, "the copy was put back before: the database was not touched", known
    return True, "", known if check else copy.restore(Unit(given["unit"], given["seconds"]))


def main():
    """Do one of the three."""
    module = AnsibleModule(argument_spec={
        "name": {"type": "str", "required": True},
        "engine": {"type": "str", "required": True, "choices": ["postgresql", "mariadb"]},
        "cluster": {"type": "str", "default": "main"},
        "action": {"type": "str", "required": True, "choices": ["take", "restore", "forget"]},
        "version": {"type": "str", "required": True}, "unit": {"type": "str", "required": True},
        "kept": {"type": "bool", "default": False},
        "seconds": {"type": "int", "default": 3600},
    }, supports_check_mode=True)
    try:
        copy = Copy(engine(module.params))
        changed, reason, known = act(copy, module.params, module.check_mode)
        left = kept(copy.database)
    except (Failed, OSError, ValueError) as error:
        module.fail_json(msg=f"{module.params['name']}: {error}")
    known = known or {"rows": {}, "bytes": 0}
    module.exit_json(changed=changed, reason=reason, rows=known["rows"], bytes=known["bytes"], kept=left)


if __name__ == "__main__":
    main()
