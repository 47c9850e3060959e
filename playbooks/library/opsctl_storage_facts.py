#!/usr/bin/python
"""Ansible module: volumes, database sizes and the latency of the data disk of one host, in one task."""

from __future__ import annotations

DOCUMENTATION = r"""
module: opsctl_storage_facts
short_description: What the storage of this host holds and how fast it is
description:
  - Reads volumes, sizes of databases and write-ahead logs, what the database server counts, and the latency and
    throughput of the disk below it by a few small synchronous writes and one of 8 MiB. Changes nothing.
  - What could not be measured is returned with its error, never left out.
options:
  databases:
    description: Databases of this host, each with name, engine and cluster.
    type: list
    elements: dict
    default: []
  probe:
    description: Whether to write (48 KiB and 8 MiB, files without a name) to measure latency and throughput.
    type: bool
    default: true
author:
  - opsctl
"""

EXAMPLES = r"""
- name: Measure the storage
  opsctl_storage_facts:
    databases:
      - {name: ready, engine: postgresql, cluster: main}
  register: storage_facts
"""

RETURN = r"""
volumes:
  description: Volumes that hold data, with bytes and inodes, or error.
  type: list
  returned: always
missing_mounts:
  description: Mount points that fstab wants and that are not mounted.
  type: list
  returned: always
databases:
  description: Databases with bytes, wal_bytes, folder, mount, or error.
  type: list
  returned: always
latency:
  description: Per data volume the milliseconds of small synchronous writes and of the kernel's statistics.
  type: list
  returned: always
"""

import os
import shutil

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.opsctl_volumes import (
    await_milliseconds,
    data_volumes,
    device_rates,
    measure,
    parse_diskstats,
    parse_fstab,
    parse_mountinfo,
    probe,
    throughput,
    volume_of,
)

SECONDS = "20"
POSTGRESQL = """SELECT 'size', datname, pg_database_size(oid) FROM pg_database WHERE NOT datistemplate
UNION ALL SELECT 'wal', '', coalesce(sum(size), 0)::bigint FROM pg_ls_waldir()
UNION ALL SELECT 'folder', current_setting('data_directory'), 0
UNION ALL SELECT 'hit', datname, blks_hit FROM pg_stat_database WHERE datname IS NOT NULL
UNION ALL SELECT 'read', datname, blks_read FROM pg_stat_database WHERE datname IS NOT NULL"""
# PostgreSQL 17 moved the checkpoints to a view of their own.
CHECKPOINTS = (
    "SELECT 'checkpoints', '', num_timed + num_requested FROM pg_stat_checkpointer "
    "UNION ALL SELECT 'requested', '', num_requested FROM pg_stat_checkpointer",
    "SELECT 'checkpoints', '', checkpoints_timed + checkpoints_req FROM pg_stat_bgwriter "
    "UNION ALL SELECT 'requested', '', checkpoints_req FROM pg_stat_bgwriter")
TABLES = """SELECT 'table', n.nspname || '.' || c.relname, pg_total_relation_size(c.oid) FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN
('pg_catalog', 'information_schema') ORDER BY 3 DESC LIMIT 10"""
MARIADB = """SELECT 'size', schema_name, 0 FROM information_schema.schemata
UNION ALL SELECT 'folder', @@datadir, 0
UNION ALL SELECT lower(variable_name), '', variable_value FROM information_schema.global_status
WHERE variable_name IN ('INNODB_BUFFER_POOL_READS', 'INNODB_BUFFER_POOL_READ_REQUESTS')
UNION ALL SELECT 'table', concat(table_schema, '.', table_name), coalesce(data_length + index_length, 0)
FROM information_schema.tables WHERE table_type = 'BASE TABLE'"""


def read(path):
    """The text of a small file; "" when it is not there."""
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read()
    except OSError:
        return ""


def client(database, statement="", name="postgres"):
    """The command that asks the server, as its own superuser over the local socket."""
    if database["engine"] == "postgresql":
        return ["runuser", "-u", "postgres", "--", "timeout", SECONDS, "psql", "--cluster", _cluster(database),
                "-X", "-A", "-t", "-F", "\t", "-d", name, "-c", statement or POSTGRESQL]
    return ["timeout", SECONDS, "mariadb", "--batch", "--skip-column-names", "-e", MARIADB]


def engine_answer(module, database):
    """{kind: {name: number}} of the engine's answer, or an error's text. Sizes are PostgreSQL's only."""
    command = client(database)
    if not shutil.which(command[0]):
        return f"{command[0]} is not installed"
    code, out, error = module.run_command(command, cwd="/")
    if code != 0:
        return "exit code {}: {}".format(code, " ".join((error or out).split())[:300])
    return parse_answer(out)


def parse_answer(out):
    """{kind: {name: number}} of lines of kind, name and number."""
    answer = {"size": {}, "wal": {}, "folder": {}}
    for line in out.splitlines():
        fields = line.split("\t")
        if len(fields) == 3 and fields[2].isdigit():
            answer.setdefault(fields[0], {})[fields[1]] = int(fields[2])
    return answer


def performance(module, database, answer):
    """Cache, checkpoints and largest tables; what the server does not tell is left out, never guessed."""
    name = database["name"]
    if database["engine"] == "postgresql":
        hit, read_in = answer.get("hit", {}).get(name, 0), answer.get("read", {}).get(name, 0)
        more = {}
        for statement in CHECKPOINTS:
            code, out, _error = module.run_command(client(database, statement), cwd="/")
            if code == 0:
                more = parse_answer(out)
                break
        code, out, _error = module.run_command(client(database, TABLES, name), cwd="/")
        tables = parse_answer(out).get("table", {}) if code == 0 else {}
    else:
        asked = answer.get("innodb_buffer_pool_read_requests", {}).get("", 0)
        read_in = answer.get("innodb_buffer_pool_reads", {}).get("", 0)
        hit, more = asked - read_in, {}
        tables = {key: size for key, size in answer.get("table", {}).items() if key.startswith(name + ".")}
    largest = sorted(tables.items(), key=lambda one: (-one[1], one[0]))[:10]
    found = {"tables": [list(one) for one in largest],
             "cache_hit_percent": round(100 * hit / (hit + read_in), 2) if hit + read_in > 0 else None}
    if "checkpoints" in more:
        found["checkpoints"] = more["checkpoints"][""]
        found["checkpoints_requested"] = more["requested"][""]
    return found


def measured_database(module, database, mounts, volumes):
    """`database` with bytes, wal_bytes, folder and mount, or error."""
    try:
        answer = engine_answer(module, database)
    except LookupError as error:
        answer = str(error.args[0])
    if isinstance(answer, str):
        return {**database, "error": answer}
    folder = os.path.realpath(next(iter(answer["folder"]), "/"))
    if database["name"] not in answer["size"]:
        return {**database, "error": "the server has no database {}".format(database["name"])}
    if database["engine"] == "postgresql":
        size, wal = answer["size"][database["name"]], sum(answer["wal"].values())
    else:
        size, wal = _schema_bytes(folder, database["name"]), _redo_bytes(folder)
    return {**database, "error": "", "bytes": size, "wal_bytes": wal, "folder": folder,
            "mount": volume_of(folder, mounts, volumes), **performance(module, database, answer)}


def latency_of(mount, folder, volumes, wanted):
    """Latency of the volume `mount`, probed beside the data folder."""
    volume = next((one for one in volumes if one["mount"] == mount), None)
    if volume is None or not wanted:
        return {"mount": mount, "error": "not probed" if volume else "not on a known volume", "await": None}
    beside = os.path.dirname(folder.rstrip("/")) if os.path.dirname(folder).startswith(mount) else mount
    before = parse_diskstats(read("/proc/diskstats"))
    result = probe(beside)
    after = parse_diskstats(read("/proc/diskstats"))
    rates = device_rates(read("/proc/diskstats"), read("/proc/uptime"), volume["device"])
    return {"mount": mount, **result, "await": await_milliseconds(before, after, volume["device"]), **rates,
            "write_megabytes_per_second": None if result["error"] else throughput(beside)}


def main():
    """Measure and return."""
    module = AnsibleModule(argument_spec={"databases": {"type": "list", "elements": "dict", "default": []},
                                          "probe": {"type": "bool", "default": True}}, supports_check_mode=True)
    mounts = parse_mountinfo(read("/proc/self/mountinfo"))
    volumes = [measure(volume) for volume in data_volumes(mounts)]
    mounted = {one["mount"] for one in mounts}
    databases = [measured_database(module, database, mounts, volumes) for database in module.params["databases"]]
    folders = {database["mount"]: database["folder"] for database in databases if not database["error"]}
    module.exit_json(
        changed=False, volumes=volumes, databases=databases,
        missing_mounts=[path for path in parse_fstab(read("/etc/fstab")) if path not in mounted],
        latency=[latency_of(mount, folder, volumes, module.params["probe"])
                 for mount, folder in sorted(folders.items())])


def _cluster(database):
    for version in sorted(os.listdir("/etc/postgresql"), reverse=True) if os.path.isdir("/etc/postgresql") else []:
        if os.path.isdir(os.path.join("/etc/postgresql", version, database["cluster"])):
            return "{}/{}".format(version, database["cluster"])
    raise LookupError("there is no PostgreSQL cluster called {}".format(database["cluster"]))


def _schema_bytes(folder, name):
    """Bytes of a MariaDB schema's files: what information_schema says are estimates, far off after a load."""
    schema = os.path.join(folder, name.replace("-", "@002d"))
    return sum(os.path.getsize(os.path.join(schema, file)) for file in os.listdir(schema))


def _redo_bytes(folder):
    """Redo and binary logs of MariaDB: what its write-ahead logs take."""
    total = 0
    for name in os.listdir(folder):
        if name.startswith("ib_logfile") or (".0" in name and "bin" in name):
            total += os.path.getsize(os.path.join(folder, name))
    return total


if __name__ == "__main__":
    main()
