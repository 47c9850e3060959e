"""What reading a fleet costs this machine: opsctl's commands against a bare ansible-playbook with one command task.

Needs the lab, as root. `python -m benchmarks.fleet [ALIASES [ROUNDS]]` reads its hosts under aliases, a customer each.
CPU is that of the command's own processes; the hosts' is left out, although they share the machine here.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
LAB = Path("/var/lib/opsctl-lab")
SAMPLES = ("sample-aalund", "sample-cedervig")
"""With one host each: an alias is one customer and one host."""
FORKS = 20
ROUNDS = 3
PLAYBOOK = """- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.command: "true"
"""


def lay_out(folder: Path, aliases: int) -> None:
    """Customers, settings, and the same hosts as an inventory for ansible-playbook."""
    hosts = {}
    for number in range(aliases):
        sample = ROOT / "inventories" / SAMPLES[number % len(SAMPLES)]
        text = (sample / "profile.yml").read_text(encoding="utf-8")
        profile = yaml.safe_load(text)
        name = f"fleet-{number:03}"
        shutil.copytree(sample, folder / "inventories" / name)
        (folder / "inventories" / name / "profile.yml").write_text(
            text.replace(f"customer: {sample.name}", f"customer: {name}"), encoding="utf-8")
        known = folder / "inventories" / name / "known_hosts"
        hosts[name] = {"ansible_host": profile["hosts"][0]["address"], "ansible_user": "opsctl",
                       "ansible_ssh_common_args": f"-o UserKnownHostsFile={known} -o StrictHostKeyChecking=yes"}
    user = yaml.safe_load((ROOT / "inventories" / SAMPLES[0] / "hosts.yml").read_text(encoding="utf-8"))
    login = next(iter(user["all"]["hosts"].values()))["ansible_user"]
    for one in hosts.values():
        one["ansible_user"] = login
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}), encoding="utf-8")
    (folder / "bare.yml").write_text(PLAYBOOK, encoding="utf-8")
    (folder / "opsctl.yml").write_text(
        f"ledger: {{url: 'sqlite:///{folder}/ledger.db'}}\ninventories: inventories\nreleases: {ROOT}/releases\n"
        f"templates: {ROOT}/templates\nplaybooks: {ROOT}/playbooks\nruns: runs\ndrafts: drafts\n"
        f"ssh: {{identity: {LAB}/ssh/id_ed25519}}\n", encoding="utf-8")


def measured(command: list[str], folder: Path) -> tuple[float, float, int]:
    """Seconds, CPU seconds of the command's processes, exit code."""
    binaries = Path(sys.executable).parent
    environment = {"PATH": f"{binaries}:{os.environ['PATH']}", "HOME": str(folder), "LC_ALL": "C.UTF-8",
                   "OPSCTL_CONFIG": str(folder / "opsctl.yml"), "ANSIBLE_CONFIG": str(ROOT / "playbooks/ansible.cfg")}
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=False, text=True)
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in {0, 7, 8}:
        sys.stderr.write(done.stdout[-1000:] + done.stderr[-1000:])
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.returncode


def main() -> None:
    """One line per way: medians of the interleaved rounds, and the CPU as a multiple of the bare playbook's."""
    aliases = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        lay_out(folder, aliases)
        opsctl = [sys.executable, "-m", "opsctl"]
        ways = {
            "ansible-playbook, 1 command task": ["ansible-playbook", "-i", str(folder / "hosts.yml"), "-f", str(FORKS),
                                                 "--private-key", str(LAB / "ssh/id_ed25519"),
                                                 str(folder / "bare.yml")],
            "opsctl storage check --all": [*opsctl, "storage", "check", "--all", "--json"],
            "opsctl patch plan --all": [*opsctl, "patch", "plan", "--all", "--json"]}
        found: dict[str, list[tuple[float, float, int]]] = {name: [] for name in ways}
        for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS):
            for name, command in ways.items():
                found[name].append(measured(command, folder))
        base = statistics.median(one[1] for one in next(iter(found.values())))
        for name, rounds in found.items():
            wall, cpu = (statistics.median(one[index] for one in rounds) for index in (0, 1))
            sys.stdout.write(f"{aliases} hosts, {name}: {wall:.1f} s, control CPU {cpu:.1f} s, {cpu / base:.2f} x, "
                             f"exit codes {sorted({one[2] for one in rounds})}\n")


if __name__ == "__main__":
    main()
