#!/usr/bin/python
"""Ansible module: a PostgreSQL cluster to its next major version, back from it, or the old one let go."""

from __future__ import annotations

DOCUMENTATION = r"""
module: opsctl_postgresql_upgrade
short_description: Upgrade a PostgreSQL cluster with Debian's own tools, go back, or let the old cluster go
description:
  - C(upgrade) makes a new cluster on the same port by C(pg_upgradecluster) and keeps the old one, stopped.
  - C(mend) rebuilds indexes whose collation is of another library now, and checks every table and index.
  - C(back) stops and removes the new cluster and starts the old one on its port.
  - C(drop) removes the old cluster.
  - In check mode nothing is done; it says whether it would change the host.
options:
  action:
    description: What to do.
    type: str
    required: true
    choices: [upgrade, mend, back, drop]
  cluster:
    description: Debian's name of the cluster.
    type: str
    default: main
  old:
    description: The major version before; for C(mend) the version that runs.
    type: int
    required: true
  new:
    description: The major version to go to; 0 for C(mend).
    type: int
    default: 0
  port:
    description: For C(back), the port on which the old cluster was.
    type: int
    default: 0
  unit:
    description: Names the transient units and the log.
    type: str
    required: true
  seconds:
    description: When a step is ended, whatever happens to the connection.
    type: int
    default: 7200
author:
  - opsctl
"""

EXAMPLES = r"""
- name: Upgrade the cluster
  opsctl_postgresql_upgrade:
    action: upgrade
    cluster: main
    old: 15
    new: 17
    unit: opsctl-plain
"""

RETURN = r"""
mended:
  description: What was sorted by a library of another version, and was rebuilt.
  type: list
  returned: always
log:
  description: Where the output is.
  type: str
  returned: always
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.opsctl_clusters import REFRESH, SYSTEM, find, require
from ansible.module_utils.opsctl_job import Job
from ansible.module_utils.opsctl_ready import Failed, run

ANALYZE_HOOK = "/etc/postgresql-common/pg_upgradecluster.d/analyze"


def upgrade(given, job):
    """A new cluster of `new` on the port of the old one."""
    old, ahead = require(given["old"], given["cluster"]), find(given["new"], given["cluster"])
    job.run("packages", ["apt-get", "install", "--yes", "--quiet", "--no-remove", "--option=Dpkg::Use-Pty=0",
                         f"postgresql-{given['new']}"], environment=("DEBIAN_FRONTEND=noninteractive",))
    ahead = find(given["new"], given["cluster"])
    if ahead is not None:
        if not ahead.empty():
            raise Failed(f"there is a cluster {ahead.label} already, and it is not empty")
        # Debian's package makes an empty one where it may; pg_upgradecluster wants none.
        job.run("empty", ["pg_dropcluster", "--stop", str(ahead.version), ahead.name])
    job.run("cluster", ["pg_upgradecluster", "-v", str(given["new"]), "--method=upgrade", str(old.version), old.name])
    if not os.access(ANALYZE_HOOK, os.X_OK):
        job.run("statistics", ["vacuumdb", "--cluster", f"{given['new']}/{given['cluster']}", "--all",
                               "--analyze-only"], user="postgres")
    now = require(given["new"], given["cluster"])
    if not now.online or now.port != old.port:
        raise Failed(f"{now.label} is not running on port {old.port}; see {job.log}")


def mend(cluster, job):
    """Rebuild what other libraries sort otherwise, then check all of it; returns what was mended."""
    stale = cluster.stale()
    for database in sorted({line.partition(": ")[0] for line in stale}):
        job.run(f"reindex-{_word(database)}", ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "--cluster", cluster.label,
                                               "-d", database, "-c", f"REINDEX DATABASE {_quoted(database)}"],
                user="postgres")
        cluster.ask(f"ALTER DATABASE {_quoted(database)} REFRESH COLLATION VERSION", database)
        for statement in cluster.ask(REFRESH, database):
            cluster.ask(statement, database)
    _check(cluster, job)
    return stale


def back(given, job):
    """The old cluster on its port again; nothing happens to a cluster that already is the only one."""
    old, ahead = require(given["old"], given["cluster"]), find(given["new"], given["cluster"])
    if ahead is not None:
        job.run("gone", ["pg_dropcluster", "--stop", str(ahead.version), ahead.name])
    if old.port != given["port"]:
        run(["pg_conftool", str(old.version), old.name, "set", "port", str(given["port"])])
    with open(f"/etc/postgresql/{old.version}/{old.name}/start.conf", "w", encoding="utf-8") as stream:
        stream.write("auto\n")
    run(["systemctl", "daemon-reload"])
    unit = f"postgresql@{old.version}-{old.name}.service"
    run(["systemctl", "start", unit])
    if not require(given["old"], given["cluster"]).online:
        raise Failed(f"{unit} does not run; see /var/log/postgresql")


def drop(given, job):
    """Remove the old cluster; the new one must run."""
    old, ahead = require(given["old"], given["cluster"]), find(given["new"], given["cluster"])
    if old.online or ahead is None or not ahead.online:
        raise Failed(f"{old.label} is not removed: it runs, or {given['new']}/{given['cluster']} does not")
    job.run("drop", ["pg_dropcluster", str(old.version), old.name])
    run(["systemctl", "daemon-reload"])


def would_change(given):
    """Whether the action finds anything to do."""
    old = find(given["old"], given["cluster"])
    ahead = find(given["new"], given["cluster"]) if given["new"] else None
    if given["action"] == "upgrade":
        return old is not None and old.online
    if given["action"] == "mend":
        return bool(old is not None and old.online and old.stale())
    if given["action"] == "back":
        return old is not None and (ahead is not None or not old.online)
    return old is not None


def _check(cluster, job):
    """pg_amcheck over every database; the extension it needs goes again where it was not there before."""
    names = [name for name in cluster.databases() if name not in SYSTEM - {"postgres"}]
    had = {name for name in names if cluster.ask("SELECT 1 FROM pg_extension WHERE extname = 'amcheck'", name)}
    try:
        job.run("amcheck", [f"/usr/lib/postgresql/{cluster.version}/bin/pg_amcheck", "-h", "/var/run/postgresql", "-p",
                            str(cluster.port), "--all", "--install-missing"], user="postgres")
    finally:
        for name in set(cluster.databases()) - had:
            cluster.ask("SET client_min_messages = error; DROP EXTENSION IF EXISTS amcheck", name)


def _quoted(name):
    return '"{}"'.format(name.replace('"', '""'))


def _word(name):
    return "".join(letter if letter.isalnum() else "-" for letter in name)


def main():
    """Do one of the four."""
    module = AnsibleModule(argument_spec={
        "action": {"type": "str", "required": True, "choices": ["upgrade", "mend", "back", "drop"]},
        "cluster": {"type": "str", "default": "main"}, "old": {"type": "int", "required": True},
        "new": {"type": "int", "default": 0}, "port": {"type": "int", "default": 0},
        "unit": {"type": "str", "required": True}, "seconds": {"type": "int", "default": 7200},
    }, supports_check_mode=True)
    given = module.params
    job, mended = Job(given["unit"], given["seconds"]), []
    try:
        changed = would_change(given)
        if given["action"] == "mend" and not module.check_mode:
            mended = mend(require(given["old"], given["cluster"]), job)
        elif changed and not module.check_mode:
            {"upgrade": upgrade, "back": back, "drop": drop}[given["action"]](given, job)
    except (Failed, OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=changed, mended=mended, log=job.log)


if __name__ == "__main__":
    main()
