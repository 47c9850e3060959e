"""What a host says of itself: boot, units, processes that still run replaced files, READY's health."""

from __future__ import annotations

import glob
import json
import os
import re
import ssl
import time
import urllib.error
import urllib.request

UNIT = re.compile(r"/([^/]+\.service)(?:/|$)")
# Restarting these would cut sessions or is refused; a reboot renews them.
ONLY_BY_REBOOT = re.compile(
    r"^(dbus|dbus-broker|systemd-logind|getty@.*|console-getty|serial-getty@.*)\.service$")
SESSIONS = re.compile(r"^user@\d+\.service$")
REPLACED = re.compile(r" (/(?:usr|lib|lib64|bin|sbin|opt)/[^\n]*?) \(deleted\)$", re.MULTILINE)
MAPPED = re.compile(r" (/(?:usr|lib|lib64|bin|sbin|opt)/[^\n]*)$", re.MULTILINE)


def boot_id():
    """The id of this boot: differs after every reboot."""
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
        return stream.read().strip()


def reboot_required():
    """The packages that ask for a reboot; ["unnamed"] when the flag is there without names."""
    if not os.path.exists("/run/reboot-required"):
        return []
    try:
        with open("/run/reboot-required.pkgs", encoding="utf-8") as stream:
            return sorted({line.strip() for line in stream if line.strip()}) or ["unnamed"]
    except OSError:
        return ["unnamed"]


def interrupted(module):
    """What dpkg left half done, one line each."""
    lines = [line.strip() for line in _lines(module, ["dpkg", "--audit"]) if line.strip()]
    journal = [name for name in os.listdir("/var/lib/dpkg/updates") if name.isdigit()]
    return lines + ([f"dpkg was interrupted: {len(journal)} steps in its journal"] if journal else [])


def installed_versions(module, names):
    """{name: version}; "" for a package that is not installed, or not completely."""
    found = dict.fromkeys(names, "")
    pattern = "${binary:Package}\t${Package}\t${db:Status-Abbrev}\t${Version}\n"
    for line in _lines(module, ["dpkg-query", "-W", "-f", pattern, *names]) if names else []:
        qualified, plain, state, version = line.split("\t")
        for name in (qualified, plain):
            if name in found and state.startswith(("ii", "hi")):
                found[name] = version
    return found


def stale_units(proc="/proc"):
    """Units with a process that still runs a replaced program or library: (to restart, only by reboot)."""
    restart, reboot = set(), set()
    for folder in glob.glob(os.path.join(proc, "[0-9]*")):
        if not _runs_replaced_file(folder):
            continue
        unit, by_reboot = _renewed(folder)
        if unit and not unit.startswith("opsctl-"):
            (reboot if by_reboot else restart).add(unit)
    return sorted(restart), sorted(reboot)


def renewed_only_by_reboot(packages, proc="/proc", info="/var/lib/dpkg/info"):
    """[{package, units}] of the packages of which a unit runs a file that only a reboot renews: what is replaced there
    when they are upgraded asks for a reboot. packages: names, as apt prints them."""
    users = {}
    for folder in glob.glob(os.path.join(proc, "[0-9]*")):
        unit, by_reboot = _renewed(folder)
        for path in _runs(folder) if by_reboot else ():
            users.setdefault(path, set()).add(unit)
    names = {os.path.basename(path) for path in users}
    found = []
    for package in packages:
        # dpkg may know a file by a path that leads over a link, such as /lib.
        paths = [os.path.realpath(path) for path in _files_of(package, info) if os.path.basename(path) in names]
        units = sorted({unit for path in paths for unit in users.get(path, ())})
        if units:
            found.append({"package": package, "units": units})
    return found


def unit_states(module, patterns):
    """{pattern: [{unit, active, invocation}]} of loaded units; an empty list where none matches."""
    states = {pattern: [] for pattern in patterns}
    for pattern in patterns:
        names = _lines(module, ["systemctl", "list-units", "--all", "--plain", "--no-legend", "--full", pattern])
        units = [line.lstrip("●* ").split()[0] for line in names if line.strip()]
        if units:
            states[pattern] = _properties(module, units)
    return states


def all_active(states):
    """What is wrong with the units, one line each; [] when each pattern has a unit and all are active."""
    wrong = [f"{pattern}: there is no such unit" for pattern, units in states.items() if not units]
    return wrong + ["{} is {}".format(unit["unit"], unit["active"])
                    for units in states.values() for unit in units if unit["active"] != "active"]


def ask(url, seconds=5):
    """{status, answer} of an address of READY; status 0 and the reason when nothing answers."""
    try:
        with urllib.request.urlopen(url, timeout=seconds, context=ssl.create_default_context()) as answer:
            text, status = answer.read(4096).decode("utf-8", "replace"), answer.status
    except urllib.error.HTTPError as error:
        text, status = error.read(4096).decode("utf-8", "replace"), error.code
    except (OSError, ValueError) as error:
        return {"status": 0, "answer": str(error)[:300]}
    try:
        return {"status": status, "answer": json.loads(text)}
    except ValueError:
        return {"status": status, "answer": text[:300]}


def health(url, seconds=5):
    """READY's /health: {ok, status, answer}. The certificate is checked against the host's own trust store."""
    found = ask(url, seconds)
    content = found["answer"]
    ok = found["status"] == 200 and isinstance(content, dict) and content.get("status") == "ok"
    return {"ok": ok, **found}


def wait_until_sound(module, patterns, health_url, seconds):
    """Poll units and health until all is well or `seconds` are over: (states, health or None, what is wrong)."""
    end = time.monotonic() + seconds
    while True:
        states = unit_states(module, patterns)
        answer = health(health_url) if health_url else None
        wrong = all_active(states)
        if answer and not answer["ok"]:
            wrong.append("{} answers {}: {}".format(health_url, answer["status"] or "nothing", answer["answer"]))
        if not wrong or time.monotonic() >= end:
            return states, answer, wrong
        time.sleep(1)


def _runs_replaced_file(folder):
    try:
        if os.readlink(os.path.join(folder, "exe")).endswith(" (deleted)"):
            return True
        with open(os.path.join(folder, "maps"), encoding="utf-8", errors="replace") as stream:
            return bool(REPLACED.search(stream.read()))
    except OSError:
        return False  # a kernel thread, or gone meanwhile


def _runs(folder):
    """The program and the libraries of a process."""
    try:
        with open(os.path.join(folder, "maps"), encoding="utf-8", errors="replace") as stream:
            return {os.readlink(os.path.join(folder, "exe")), *MAPPED.findall(stream.read())}
    except OSError:
        return set()


def _files_of(package, info):
    """What dpkg has of a package, for each of its architectures."""
    lists = [os.path.join(info, f"{package}.list"), *glob.glob(os.path.join(info, f"{package}:*.list"))]
    for name in filter(os.path.exists, lists):
        with open(name, encoding="utf-8", errors="replace") as stream:
            yield from (line.rstrip("\n") for line in stream)


def _renewed(folder):
    """(unit of a process, whether only a reboot renews it); the sessions of all users have one name,
    so that a plan does not depend on who is logged in."""
    if os.path.basename(folder) == "1":
        return "init", True
    unit = _unit_of(folder)
    if unit and SESSIONS.match(unit):
        return "user@.service", True
    return unit, bool(unit and ONLY_BY_REBOOT.match(unit))


def _unit_of(folder):
    try:
        with open(os.path.join(folder, "cgroup"), encoding="utf-8") as stream:
            text = stream.read()
    except OSError:
        return None
    for line in text.splitlines():
        # One hierarchy (0::PATH), or the one that systemd names among several.
        if line.startswith("0::") or ":name=systemd:" in line:
            found = UNIT.findall(line.split(":", 2)[2])
            if found:
                return found[-1]
    return None


def _properties(module, units):
    text = "\n".join(_lines(module, ["systemctl", "show", "--property=Id,ActiveState,InvocationID", *units]))
    found = []
    for block in text.split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if values.get("Id"):
            found.append({"unit": values["Id"], "active": values.get("ActiveState", ""),
                          "invocation": values.get("InvocationID", "")})
    return found


def _lines(module, command):
    _code, out, _error = module.run_command(command, environ_update={"LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0"})
    return out.splitlines()
