"""What stands in the way of an upgrade of the Debian release or of PostgreSQL's major version: pure decisions."""

from __future__ import annotations

import re

RELEASES = {12: "bookworm", 13: "trixie"}
SERVERS = {12: 15, 13: 17}
"""PostgreSQL's major version by Debian release."""
STEPS = {15: 17}
"""The upgrades of PostgreSQL that are exercised."""
OWN_HOLDS = frozenset({"ready-server"})
"""READY moves by releases alone and is always on hold."""
NEVER_REMOVED = re.compile(r"(ready-server|postgresql(-.*)?|mariadb-.*|openssh-server|sudo|python3|systemd|"
                           r"linux-image-.*|grub-.*)\Z")
RESERVE = 512 * 1024 * 1024
BOOT_RESERVE = 200 * 1024 * 1024
SYSTEM_DATABASES = frozenset({"postgres", "template0", "template1"})


def unfit(facts):
    """What keeps anything from being upgraded on the host now; [] when nothing does."""
    lines = [f"{unit} is at work on it" for unit in [*facts["opsctl_units"], *facts["busy"]]]
    return lines + list(facts["interrupted"]) + list(facts["wrong"])


def debian_due(facts, target):
    """Whether the host is to be brought to the release `target`."""
    return not (facts["os"]["name"] == "debian" and facts["os"]["version"] == str(target))


def debian_obstacles(facts, target):
    """Why its Debian release cannot be upgraded to `target`, one line each."""
    name, version = facts["os"]["name"], facts["os"]["version"]
    if name != "debian" or not version.isdigit():
        return [f"it runs {name} {version}, not Debian"]
    if int(version) > target:
        return [f"it runs Debian {version}: a release is not taken back this way"]
    if int(version) + 1 != target or int(version) not in RELEASES or target not in RELEASES:
        return [f"Debian {version} to {target} is not supported: only from 12 to 13, one release at a time"]
    lines = unfit(facts)
    held = sorted(set(facts["held"]) - OWN_HOLDS)
    if held:
        lines.append(f"on hold: {', '.join(held)}; an upgrade of everything needs a decision: `apt-mark unhold`")
    lines += _source_obstacles(facts["sources"])
    lines += _next_obstacles(facts["next"], target) or _space_obstacles(facts)
    return lines + shared_with(facts)


def postgresql_obstacles(facts, target, names, system):
    """Why the clusters `names` cannot be upgraded to `target`. system: the host's Debian release as a number."""
    lines = unfit(facts)
    if SERVERS.get(system) != target:
        has = f"PostgreSQL {SERVERS[system]}" if system in SERVERS else "another PostgreSQL"
        newer = next((one for one, version in sorted(SERVERS.items()) if version == target and one > system), None)
        first = f": upgrade the Debian release first, `--to-debian {newer}`" if newer else ""
        return [*lines, f"Debian {system} has {has}, not {target}{first}"]
    for name in names:
        here = [one for one in facts["clusters"] if one["cluster"] == name]
        if cluster_due(here, target):
            lines += [f"cluster {name}: {line}" for line in _cluster_obstacles(here, target, facts)]
    if facts["server_package"] == "":
        lines.append(f"the signed repositories offer no postgresql-{target}")
    return lines + shared_with(facts)


def cluster_due(here, target):
    """Whether the clusters of one name are not all that is wanted: the one of `target` runs and no other does."""
    online = [one["version"] for one in here if one["online"]]
    return online != [target]


def shared_with(facts):
    """Other databases in READY's clusters: others may write to them meanwhile, and going back would lose that."""
    mine = set(facts["mine"])
    return [f"cluster {one['version']}/{one['cluster']} also holds {', '.join(others)}, which others may write to; "
            "going back would lose that: name them in the profile, or move them"
            for one in facts["clusters"] if one["online"]
            for others in [sorted(set(one["databases"]) - SYSTEM_DATABASES - mine)] if others]


def sources_by_fate(sources):
    """{fate: ["URI SUITE"]}; fates are follows, stays, left (behind, or not offered for the new release)."""
    found = {"follows": [], "stays": [], "left": []}
    for one in sources:
        text = f"{one['uri']} {one['suite']}"
        found[one["fate"]].append(f"{text} -> {one['to']}" if one["fate"] == "follows" else
                                  f"{text}: {one['why']}" if one["why"] else text)
    return found


def _source_obstacles(sources):
    lines = [f"{one['file']}: {one['uri']} {one['suite']} is trusted without a signature: take `trusted` out"
             for one in sources if one["trusted"]]
    return lines + [f"{one['file']}: the suite {one['suite']} of {one['uri']} moves by itself: write the release's "
                    "codename" for one in sources if one["moves"]]


def _next_obstacles(ahead, target):
    if ahead["error"]:
        return [f"apt cannot work the upgrade out: {ahead['error']}"]
    if not ahead["base"].startswith(str(target)):
        return [f"no signed source offers Debian {target}: base-files there is {ahead['base'] or 'not offered'}"]
    gone = sorted(name for name in ahead["removed"] if NEVER_REMOVED.match(name))
    return [f"the upgrade would remove {', '.join(gone)}"] if gone else []


def _space_obstacles(facts):
    ahead, free = facts["next"], facts["free"]
    together = free["same"]
    needed = {"/": ahead["grows"] + RESERVE + (ahead["download"] if together else 0)}
    if not together:
        needed["/var/cache/apt/archives"] = ahead["download"] + RESERVE
    if free["boot"] is not None:
        needed["/boot"] = BOOT_RESERVE
    have = {"/": free["root"], "/var/cache/apt/archives": free["archives"], "/boot": free["boot"]}
    return [f"{place} has {have[place] // 1_000_000} MB free, {need // 1_000_000} MB are needed"
            for place, need in needed.items() if have[place] < need]


def _cluster_obstacles(here, target, facts):
    online = [one for one in here if one["online"]]
    if not online:
        return ["it is not running" if here else "there is none: correct the profile"]
    old = min(online, key=lambda one: one["version"])
    if old["version"] > target:
        return [f"it runs {old['version']}: a version is not taken back this way"]
    if STEPS.get(old["version"]) != target:
        return [f"from {old['version']} to {target} is not supported: only from 15 to 17"]
    lines = []
    ahead = next((one for one in here if one["version"] == target), None)
    if ahead is not None and not ahead.get("empty"):
        lines.append(f"there is a cluster {target}/{old['cluster']} already, and it is not empty: decide it by hand")
    for key, word in (("slots", "replication slots"), ("tablespaces", "tablespaces of its own"),
                      ("prepared", "prepared transactions"), ("receivers", "standbys that follow it")):
        if old[key]:
            lines.append(f"it has {word}: {', '.join(old[key])}")
    if old["standby"]:
        lines.append("it is a standby")
    lines += [f"the extension {name} is not there for {target}: install its package first"
              for name in old["missing_extensions"]]
    need = old["bytes"] + RESERVE
    if facts["free"]["data"] < need:
        lines.append(f"{facts['free']['data'] // 1_000_000} MB are free, {need // 1_000_000} MB are needed: the old "
                     "cluster is kept beside the new one")
    return lines
