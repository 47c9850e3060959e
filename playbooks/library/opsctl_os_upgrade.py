#!/usr/bin/python
"""Ansible module: one step of the way to the next Debian release, in a transient unit of its own."""

from __future__ import annotations

DOCUMENTATION = r"""
module: opsctl_os_upgrade
short_description: One step of an upgrade of the Debian release
description:
  - The steps are C(sources), C(download), C(minimal) and C(full), in this order.
  - Configuration files stay as they are, nothing asks, and the output goes to C(/var/log/opsctl/UNIT.log).
  - In check mode nothing is done; the step says that it would change the host.
options:
  step:
    description: What to do.
    type: str
    required: true
    choices: [sources, download, minimal, full]
  debian:
    description: The Debian release to go to.
    type: int
    required: true
  sources:
    description: The fates of the sources as opsctl_upgrade_facts gave them; for the step C(sources).
    type: list
    elements: dict
    default: []
  unit:
    description: Names the transient unit, C(UNIT-STEP), and the log.
    type: str
    required: true
  seconds:
    description: When the step is ended, whatever happens to the connection.
    type: int
    default: 7200
  lock_seconds:
    description: How long to wait while another process holds apt's locks.
    type: int
    default: 300
author:
  - opsctl
"""

EXAMPLES = r"""
- name: Upgrade what needs no new packages
  opsctl_os_upgrade:
    step: minimal
    debian: 13
    unit: opsctl-plain
"""

RETURN = r"""
files:
  description: The files of sources that were changed.
  type: list
  returned: always
log:
  description: Where the output is.
  type: str
  returned: always
"""

import contextlib
import os
import shutil

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.opsctl_ahead import SOURCES, changed_files
from ansible.module_utils.opsctl_apt import UPDATE, patiently
from ansible.module_utils.opsctl_job import Job
from ansible.module_utils.opsctl_ready import Failed
from ansible.module_utils.opsctl_upgrade import RELEASES

KEPT = "/var/lib/opsctl/os-upgrade"
NO_CLUSTER = "/etc/postgresql-common/createcluster.d/opsctl-upgrade.conf"
QUIET = ("DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_SUSPEND=1", "APT_LISTCHANGES_FRONTEND=none",
         "APT_LISTBUGS_FRONTEND=none", "UCF_FORCE_CONFFOLD=1")
STEPS = {"download": ["full-upgrade", "--download-only"], "minimal": ["upgrade", "--without-new-pkgs"],
         "full": ["full-upgrade"]}


def write_sources(texts, version):
    """Keep every file of sources as it was, once, then write the new ones: each is whole or as before."""
    kept = os.path.join(KEPT, f"sources-before-{version}")
    if not os.path.isdir(kept):
        os.makedirs(KEPT, mode=0o700, exist_ok=True)
        shutil.rmtree(f"{kept}.new", ignore_errors=True)
        os.makedirs(f"{kept}.new", mode=0o700)
        for name in ("sources.list", "sources.list.d"):
            place = os.path.join(SOURCES, name)
            if os.path.isdir(place):
                shutil.copytree(place, os.path.join(f"{kept}.new", name))
            elif os.path.exists(place):
                shutil.copy2(place, os.path.join(f"{kept}.new", name))
        os.rename(f"{kept}.new", kept)
    for file, text in texts.items():
        new = f"{file}.opsctl-new"
        with open(new, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        shutil.copymode(file, new)
        os.rename(new, file)


@contextlib.contextmanager
def no_new_clusters():
    """While inside, Debian's packages make no empty PostgreSQL cluster of the new version beside the one in use.

    Everything that looks for the cluster of a name, a backup for one, would find two.
    """
    if not os.path.isdir(os.path.dirname(os.path.dirname(NO_CLUSTER))):
        yield
        return
    os.makedirs(os.path.dirname(NO_CLUSTER), exist_ok=True)
    with open(NO_CLUSTER, "w", encoding="utf-8") as stream:
        stream.write("create_main_cluster = false\n")
    try:
        yield
    finally:
        os.unlink(NO_CLUSTER)


def command(step, lock_seconds):
    """The command line of apt's steps."""
    return ["apt-get", *STEPS[step], "--yes", "--quiet", f"--option=DPkg::Lock::Timeout={lock_seconds}",
            "--option=Dpkg::Options::=--force-confdef", "--option=Dpkg::Options::=--force-confold",
            "--option=Dpkg::Use-Pty=0"]


def main():
    """Do the step."""
    module = AnsibleModule(argument_spec={
        "step": {"type": "str", "required": True, "choices": ["sources", "download", "minimal", "full"]},
        "debian": {"type": "int", "required": True}, "sources": {"type": "list", "elements": "dict", "default": []},
        "unit": {"type": "str", "required": True}, "seconds": {"type": "int", "default": 7200},
        "lock_seconds": {"type": "int", "default": 300},
    }, supports_check_mode=True)
    given = module.params
    job = Job(given["unit"], given["seconds"])
    old, new = RELEASES[given["debian"] - 1], RELEASES[given["debian"]]
    texts = changed_files(given["sources"], old, new) if given["step"] == "sources" else {}
    if module.check_mode:
        module.exit_json(changed=True, files=sorted(texts), log=job.log)
    try:
        if given["step"] == "sources":
            write_sources(texts, given["debian"])
            patiently(lambda: job.run("update", UPDATE))
        else:
            with no_new_clusters():
                job.run(given["step"], command(given["step"], given["lock_seconds"]), environment=QUIET)
    except (Failed, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=True, files=sorted(texts), log=job.log)


if __name__ == "__main__":
    main()
