"""What apt says, parsed and tested against text that apt printed; and waiting while another apt is at work."""

from __future__ import annotations

import re
import time

INST = re.compile(
    r"^Inst (?P<name>\S+)(?: \[(?P<installed>[^\]]*)\])? "
    r"\((?P<version>\S+)(?: (?P<origins>[^\[\]()]*?))? \[(?P<architecture>[^\]]*)\]\)")
REMOVE = re.compile(r"^Remv (\S+)")
SOURCE = re.compile(r"^\s{6,}-?\d+ (?P<where>\S+)(?: (?P<suite>\S+))?")
VERSION = re.compile(r"^ (?P<mark>\*\*\*|   ) (?P<version>\S+) -?\d+$")
BUSY = re.compile(
    r"Could not get lock|Unable to acquire the dpkg frontend lock|Unable to lock directory|"
    r"Problem renaming the file /var/cache/apt/|Could not open file /var/lib/apt/lists/\S+ - open \(2:")
"""Another apt holds a lock, or put its index or its cache in place of the one that was being read: it passes."""
LOCK_SECONDS = 120
RACE_SECONDS = 30
"""So long it is tried again: for a lock that others hold as long as they download, and for reading alone."""
UPDATE = ["apt-get", "update", "-q", "-o", "APT::Update::Error-Mode=any", "-o", "Acquire::Retries=1",
          "-o", "Acquire::http::Timeout=20", "-o", "Acquire::https::Timeout=20"]


class Failed(Exception):
    """A tool did not do what it was asked for; the text says which and why."""


def patiently(act, seconds=LOCK_SECONDS):
    """What `act` returns; it is called again for `seconds` while it is Failed because another apt is at work."""
    end = time.monotonic() + seconds
    while True:
        try:
            return act()
        except Failed as error:
            if not BUSY.search(str(error)) or time.monotonic() >= end:
                raise
        time.sleep(2)


def parse_simulation(text):
    """The upgrades and removals that `apt-get -s` announces.

    Returns (upgrades, removals): upgrades is a list of {name, from, to, origins, security}, `from` being ""
    for a package that is new; removals is a list of names.
    """
    upgrades, removals = [], []
    for line in text.splitlines():
        found = INST.match(line)
        if found:
            origins = [origin.strip() for origin in (found["origins"] or "").split(",") if origin.strip()]
            upgrades.append({"name": found["name"], "from": found["installed"] or "", "to": found["version"],
                             "origins": origins, "security": any(is_security(origin) for origin in origins)})
        elif REMOVE.match(line):
            removals.append(REMOVE.match(line).group(1))
    return upgrades, removals


def is_security(origin):
    """True for an origin as apt prints it, `Label:Version/Archive` or `Label:Archive`, of a security suite."""
    label, _colon, rest = origin.partition(":")
    archive = rest.rpartition("/")[2]
    return label.lower().endswith("-security") or archive.lower().endswith("-security")


def parse_policy(text):
    """What `apt-cache policy NAME...` says: {name: {installed, candidate, security}}.

    security: a version newer than the installed one comes from a security suite, even if a still newer
    version of an ordinary suite is the candidate. apt lists versions from newest to oldest.
    """
    packages, current, newer = {}, None, True
    for line in text.splitlines():
        if line and not line.startswith(" ") and line.endswith(":"):
            current, newer = {"installed": "", "candidate": "", "security": False}, True
            packages[line[:-1]] = current
        elif current is None:
            continue
        elif line.startswith("  Installed: "):
            current["installed"] = _version(line)
        elif line.startswith("  Candidate: "):
            current["candidate"] = _version(line)
        elif VERSION.match(line):
            newer = newer and VERSION.match(line)["mark"] != "***"
        elif newer and SOURCE.match(line):
            suite = (SOURCE.match(line)["suite"] or "").partition("/")[0]
            current["security"] = current["security"] or suite.lower().endswith("-security")
    return packages


def same_packages(announced, wanted):
    """What differs between an announced list of upgrades and a wanted one, as lines for people; [] if nothing."""
    left = {package["name"]: package["to"] for package in announced}
    right = {package["name"]: package["to"] for package in wanted}
    lines = [f"{name} {left[name]} comes along, but is not in the plan" for name in sorted(set(left) - set(right))]
    lines += [f"{name} {right[name]} is in the plan, but is no longer offered"
              for name in sorted(set(right) - set(left))]
    lines += [f"{name}: planned {right[name]}, offered {left[name]}"
              for name in sorted(set(left) & set(right)) if left[name] != right[name]]
    return lines


def _version(line):
    value = line.partition(": ")[2].strip()
    return "" if value == "(none)" else value
