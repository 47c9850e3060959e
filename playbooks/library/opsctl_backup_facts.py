#!/usr/bin/python
"""Ansible module: whether the databases of one host can be backed up now, in one task."""

from __future__ import annotations

DOCUMENTATION = r"""
module: opsctl_backup_facts
short_description: Whether the databases of this host can be backed up now
description:
  - Asks each database server over its local socket, and looks for the tools. Changes nothing.
options:
  databases:
    description: Databases of this host, each with name, engine and cluster; method is physical unless it is logical.
    type: list
    elements: dict
    required: true
author:
  - opsctl
"""

EXAMPLES = r"""
- name: See whether a backup can be made
  opsctl_backup_facts:
    databases:
      - {name: ready, engine: postgresql, cluster: main}
      - {name: reports, engine: postgresql, cluster: main, method: logical}
  register: backup_facts
"""

RETURN = r"""
databases:
  description: Databases with version and cluster (as version/name), and problems - one line each, with the remedy.
  type: list
  returned: always
missing_packages:
  description: Debian packages whose tools are missing.
  type: list
  returned: always
problems:
  description: Problems of all databases.
  type: list
  returned: always
"""

import os
import shutil

from ansible.module_utils.basic import AnsibleModule

SECONDS = "20"
TOOLS = {"postgresql": {"age": "age", "zstd": "zstd", "pg_basebackup": "postgresql-client-common"},
         "mariadb": {"age": "age", "zstd": "zstd", "mariadb-backup": "mariadb-backup"}}
POSTGRESQL = """SELECT current_setting('server_version'), current_setting('wal_level'),
current_setting('max_wal_senders')::int - (SELECT count(*) FROM pg_stat_replication),
current_setting('max_replication_slots')::int - (SELECT count(*) FROM pg_replication_slots),
(SELECT count(*) FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')),
(SELECT count(*) FROM pg_database WHERE datname = :'name')"""


def cluster_of(database):
    """Debian's VERSION/NAME of the cluster, the newest version first; None when there is none."""
    root = "/etc/postgresql"
    for version in sorted(os.listdir(root), reverse=True) if os.path.isdir(root) else []:
        if os.path.isdir(os.path.join(root, version, database["cluster"])):
            return f"{version}/{database['cluster']}"
    return None


def postgresql(module, database):
    """`database` with version, cluster and problems."""
    cluster = cluster_of(database)
    if cluster is None:
        return {**database, "problems": [f"there is no PostgreSQL cluster {database['cluster']}: correct the profile"]}
    command = ["runuser", "-u", "postgres", "--", "timeout", SECONDS, "psql", "--cluster", cluster, "-X", "-A", "-t",
               "-F", "\t", "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-v", f"name={database['name']}"]
    code, out, error = module.run_command(command, data=POSTGRESQL, cwd="/")
    if code != 0:
        return {**database, "cluster": cluster, "problems": [_down("PostgreSQL " + cluster, error or out)]}
    version, wal_level, senders, slots, tablespaces, present = out.strip().split("\t")
    there = (int(present) > 0, f"the server has no database {database['name']}: correct the profile")
    checks = (
        there,
        (wal_level in {"replica", "logical"}, f"wal_level is {wal_level}: set it to replica and restart"),
        (int(senders) > 0, "no WAL sender is free: raise max_wal_senders or end an idle one"),
        (int(slots) > 0, "no replication slot is free: raise max_replication_slots or drop an unused one"),
        (int(tablespaces) == 0, f"{tablespaces} extra tablespaces: a streamed base backup cannot hold them"),
    )
    # A dump needs no replication; only a stream of the whole server does.
    wanted = (there,) if database.get("method") == "logical" else checks
    return {**database, "cluster": cluster, "version": version, "problems": [text for good, text in wanted if not good]}


def mariadb(module, database):
    """`database` with version and problems."""
    query = "SELECT VERSION(); SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = DATABASE()"
    code, out, error = module.run_command(["timeout", SECONDS, "mariadb", "--batch", "--skip-column-names",
                                           "-e", query, database["name"]])
    if code != 0:
        return {**database, "problems": [_down("MariaDB", error or out)]}
    return {**database, "version": out.splitlines()[0], "problems": []}


def main():
    """Ask and return."""
    module = AnsibleModule(argument_spec={"databases": {"type": "list", "elements": "dict", "required": True}},
                           supports_check_mode=True)
    asked = [{"postgresql": postgresql, "mariadb": mariadb}[database["engine"]](module, database)
             for database in module.params["databases"]]
    missing = sorted({package for database in asked for tool, package in TOOLS[database["engine"]].items()
                      if not shutil.which(tool)})
    module.exit_json(changed=False, databases=asked, missing_packages=missing,
                     problems=[f"{one['name']}: {problem}" for one in asked for problem in one["problems"]])


def _down(server, text):
    return f"{server} does not answer: {' '.join(text.split())[:300]}: start it and look at its log"


if __name__ == "__main__":
    main()
