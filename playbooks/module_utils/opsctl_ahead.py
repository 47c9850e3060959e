"""The way to the next Debian release as apt sees it, worked out beside the host's own lists and sources."""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
import tempfile

from ansible.module_utils.opsctl_apt import parse_policy, parse_simulation
from ansible.module_utils.opsctl_ready import Failed, last_words
from ansible.module_utils.opsctl_sources import MOVING, entries, next_suite, public, rewritten

SOURCES = "/etc/apt"
UNITS = {"B": 1, "kB": 1000, "MB": 1000**2, "GB": 1000**3}
DOWNLOAD = re.compile(r"^Need to get (?:[\d.,]+ \w+/)?([\d.,]+) (k?M?G?B) of archives", re.MULTILINE)
GROWS = re.compile(r"^After this operation, ([\d.,]+) (k?M?G?B) of additional disk space", re.MULTILINE)


def files():
    """Apt's files of sources."""
    found = [os.path.join(SOURCES, "sources.list"), *glob.glob(os.path.join(SOURCES, "sources.list.d", "*.list")),
             *glob.glob(os.path.join(SOURCES, "sources.list.d", "*.sources"))]
    return sorted(file for file in found if os.path.isfile(file))


def text_of(file):
    """The file's text."""
    with open(file, encoding="utf-8") as stream:
        return stream.read()


def read_sources(old, new):
    """Every enabled source once per address and suite, with what becomes of it on the way from `old` to `new`.

    Addresses are without user and password.
    fate: `follows` (to the suite `to`), `stays` (names no release), `left` (behind, since `why`).
    """
    found = []
    for file in files():
        for entry in entries(file, text_of(file)):
            found += [_lined(_source(file, entry, uri, suite, old, new)) for uri in entry["uris"]
                      for suite in entry["suites"] if "deb" in entry["types"]]
    return found


def refusals(sources):
    """The (uri, suite) that have nothing to follow."""
    return {(one["uri"], one["suite"]) for one in sources if one["fate"] == "left"}


def changed_files(sources, old, new):
    """{file: its new text} of those that differ."""
    refused = refusals(sources)
    texts = {file: (text_of(file), rewritten(file, text_of(file), old, new, refused)) for file in files()}
    return {file: after for file, (before, after) in texts.items() if before != after}


def ahead(sources, old, new):
    """What apt would do: {error, base, packages, removed, download, grows}; the host's lists stay as they are."""
    with _Beside() as beside:
        for number, file in enumerate(files()):
            text = rewritten(file, text_of(file), old, new, refusals(sources))
            beside.write(f"{number:02}{os.path.splitext(file)[1]}", text)
        known = {"error": "", "base": "", "packages": 0, "removed": [], "download": 0, "grows": 0}
        try:
            beside.apt("apt-get", "update", "-q")
            known["base"] = parse_policy(beside.apt("apt-cache", "policy", "base-files"))["base-files"]["candidate"]
            upgrades, known["removed"] = parse_simulation(beside.apt("apt-get", "-s", "-q", "full-upgrade"))
            said = beside.apt("apt-get", "--assume-no", "-q", "full-upgrade", codes=(0, 1))
        except (Failed, KeyError) as error:
            return {**known, "error": str(error)}
        return {**known, "packages": len(upgrades), "download": size(DOWNLOAD, said), "grows": size(GROWS, said)}


def size(pattern, text):
    """Bytes of a size as apt prints it; 0 where it prints none."""
    found = pattern.search(text)
    return round(float(found.group(1).replace(",", "")) * UNITS[found.group(2)]) if found else 0


def _lined(source):
    """With one line that says it all, for comparison with a plan."""
    return {**source, "line": "{file}: {uri} {suite} {fate} {to}".format(**source).strip()}


def _source(file, entry, uri, suite, old, new):
    known = {"file": file, "uri": public(uri), "suite": suite, "trusted": entry["trusted"], "to": suite,
             "fate": "stays", "why": "", "moves": suite.partition("/")[0].partition("-")[0] in MOVING}
    there = next_suite(suite, old, new)
    if there is None:
        return known
    if there == "":
        return {**known, "to": "", "fate": "left", "why": "left behind during an upgrade"}
    said = _offered(entry, uri, there)
    return {**known, "to": there, "fate": "left", "why": f"{there} cannot be used: {said}"} if said else \
        {**known, "to": there, "fate": "follows"}


def _offered(entry, uri, suite):
    """Why apt cannot use a suite, "" when it can: there, and signed by the key that is trusted for it."""
    key = entry["signed_by"] if entry["signed_by"].startswith("/") else ""
    with _Beside() as beside:
        option = f"[signed-by={key}] " if key else ""
        beside.write("probe.list", f"deb {option}{uri} {suite} {' '.join(entry['components'])}\n")
        try:
            beside.apt("apt-get", "update", "-q")
        except Failed as error:
            return str(error)
    return ""


class _Beside:
    """Apt with sources and lists of its own, and the host's packages."""

    def __enter__(self):
        self._folder = tempfile.mkdtemp(prefix="opsctl-upgrade-", dir="/var/tmp")
        for name in ("parts", "lists/partial", "cache"):
            os.makedirs(os.path.join(self._folder, name))
        return self

    def __exit__(self, *_error):
        shutil.rmtree(self._folder, ignore_errors=True)

    def write(self, name, text):
        """One file of sources."""
        with open(os.path.join(self._folder, "parts", name), "w", encoding="utf-8") as stream:
            stream.write(text)

    def apt(self, tool, *arguments, codes=(0,)):
        """Standard output of a tool of apt's; Failed when it ends with another code."""
        settings = {"Dir::Etc::sourcelist": "/dev/null", "Dir::Etc::sourceparts": f"{self._folder}/parts",
                    "Dir::State::lists": f"{self._folder}/lists", "Dir::Cache::pkgcache": "",
                    "Dir::Cache::srcpkgcache": "", "APT::Sandbox::User": "root", "Debug::NoLocking": "true",
                    "APT::Update::Error-Mode": "any", "Acquire::Languages": "none", "Acquire::Retries": "1",
                    "Acquire::http::Timeout": "20", "Acquire::https::Timeout": "20"}
        command = [tool, *(f"-o{name}={value}" for name, value in settings.items()), *arguments]
        done = subprocess.run(command, capture_output=True, check=False, stdin=subprocess.DEVNULL, timeout=600, cwd="/",
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                                   "DEBIAN_FRONTEND": "noninteractive"})
        if done.returncode not in codes:
            raise Failed(last_words(public(done.stderr.decode("utf-8", "replace")).encode()))
        return done.stdout.decode("utf-8", "replace")
