"""Apt's sources: what they name, what becomes of each on the way to the next Debian release. Pure functions."""

from __future__ import annotations

import re

ONE_LINE = re.compile(r"^(?P<type>deb|deb-src)\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)"
                      r"(?P<components>(?:\s+[^#\s]\S*)*)\s*(?:#.*)?$")
LEFT_BEHIND = ("-backports", "-backports-sloppy", "-proposed-updates")
"""Suites that Debian asks to leave out while a release is upgraded."""
USER = re.compile(r"(?<=://)[^/\s]*@")
MOVING = frozenset({"stable", "oldstable", "oldoldstable", "testing", "unstable", "sid"})


def entries(name, text):
    """The enabled sources of one file: [{types, uris, suites, components, signed_by, trusted}], in its order."""
    return deb822(text) if name.endswith(".sources") else one_line(text)


def one_line(text):
    """The sources of a `.list` file."""
    found = []
    for line in text.splitlines():
        match = ONE_LINE.match(line.strip())
        if match:
            options = dict(part.split("=", 1) for part in (match["options"] or "").split() if "=" in part)
            found.append({"types": [match["type"]], "uris": [match["uri"]], "suites": [match["suite"]],
                          "components": match["components"].split(), "signed_by": options.get("signed-by", ""),
                          "trusted": _yes(options.get("trusted"))})
    return found


def deb822(text):
    """The enabled sources of a `.sources` file."""
    found = []
    for stanza in re.split(r"\n\s*\n", text):
        fields = _fields(stanza)
        if not fields.get("uris") or _off(fields):
            continue
        key = fields.get("signed-by", "")
        found.append({"types": fields.get("types", "deb").split(), "uris": fields["uris"].split(),
                      "suites": fields.get("suites", "").split(), "components": fields.get("components", "").split(),
                      "signed_by": "a key written into the file" if "\n" in key else key.strip(),
                      "trusted": _yes(fields.get("trusted"))})
    return found


def next_suite(suite, old, new):
    """The suite's name in the release `new`; "" for one to be left behind; None when it does not name `old`."""
    name, slash, rest = suite.partition("/")
    if name != old and not name.startswith(old + "-"):
        return None
    tail = name[len(old):]
    return "" if tail in LEFT_BEHIND else new + tail + slash + rest


def public(text):
    """Text without the users and passwords in its addresses: they stay on the host."""
    return USER.sub("", text)


def rewritten(name, text, old, new, refused):
    """The file's text for the release `new`. refused: (public uri, suite) as they are now that have nothing to follow.

    A source that has nothing left is switched off and stays readable.
    """
    return _deb822_rewritten(text, old, new, refused) if name.endswith(".sources") \
        else _lines_rewritten(text, old, new, refused)


def _lines_rewritten(text, old, new, refused):
    lines = []
    for line in text.splitlines():
        match = ONE_LINE.match(line.strip())
        there = next_suite(match["suite"], old, new) if match else None
        if there is None:
            lines.append(line)
        elif there and (public(match["uri"]), match["suite"]) not in refused:
            start = line.index(match["uri"]) + len(match["uri"])
            lines.append(line[:start] + line[start:].replace(match["suite"], there, 1))
        else:
            lines.append(f"# not there for {new}: {line.strip()}")
    return "\n".join(lines) + "\n"


def _deb822_rewritten(text, old, new, refused):
    return "\n\n".join(_stanza(stanza, old, new, refused) for stanza in re.split(r"\n\s*\n", text.strip("\n"))) + "\n"


def _stanza(stanza, old, new, refused):
    fields = _fields(stanza)
    if _off(fields):
        return stanza
    suites, uris = fields.get("suites", "").split(), fields.get("uris", "").split()
    kept = []
    for suite in suites:
        there = next_suite(suite, old, new)
        gone = there == "" or (there and all((public(uri), suite) in refused for uri in uris))
        if not gone:
            kept.append(there or suite)
    if kept == suites:
        return stanza
    if not kept:
        off = re.sub(r"(?mi)^enabled:.*\n?", "", stanza).rstrip("\n")
        return off + f"\nEnabled: no\n# not there for {new}"
    return re.sub(r"(?mi)^(suites:)[^\n]*(?:\n[ \t][^\n]*)*",
                  lambda found: f"{found.group(1)} {' '.join(kept)}", stanza)


def _fields(stanza):
    fields, current = {}, ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line[:1] in {" ", "\t"} and current:
            fields[current] += "\n" + line.strip()
        elif ":" in line:
            current, _, value = line.partition(":")
            current = current.strip().lower()
            fields[current] = value.strip()
    return fields


def _off(fields):
    return fields.get("enabled", "yes").lower() in {"no", "false", "0", "off"}


def _yes(value):
    return str(value or "").lower() in {"yes", "true", "1", "on"}
