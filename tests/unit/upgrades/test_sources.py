"""What becomes of apt's sources on the way to the next release: read, decided, rewritten."""

from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.upgrades.conftest import load_utility

OLD, NEW = "bookworm", "trixie"
LIST = """\
# a comment
deb http://deb.example/debian bookworm main contrib
deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] https://apt.example/debian bookworm-pgdg main # theirs
deb [trusted=yes] http://local.example/ bookworm/
deb-src http://deb.example/debian bookworm main
deb http://deb.example/debian bookworm-backports main
deb http://ready.example ready main
"""
SOURCES = """\
# Debian
Types: deb
URIs: http://deb.example/debian
Suites: bookworm bookworm-updates
 bookworm-backports
Components: main
Signed-By: /usr/share/keyrings/debian.gpg

Types: deb
URIs: https://apt.example
Suites: bookworm-x
Components: main
Enabled: no

Enabled: yes
Types: deb
URIs: https://theirs.example
Suites: bookworm-y
Components: main
"""


@pytest.mark.parametrize(("suite", "there"), [
    ("bookworm", "trixie"), ("bookworm-updates", "trixie-updates"), ("bookworm-security", "trixie-security"),
    ("bookworm/updates", "trixie/updates"), ("bookworm-pgdg", "trixie-pgdg"), ("bookworm-backports", ""),
    ("bookworm-backports-sloppy", ""), ("bookworm-proposed-updates", ""), ("ready", None), ("stable", None),
    ("bookwormish", None), ("trixie", None)])
def test_the_suite_of_the_next_release(sources: ModuleType, suite: str, there: str | None) -> None:
    assert sources.next_suite(suite, OLD, NEW) == there


def test_both_forms_are_read(sources: ModuleType) -> None:
    found = sources.entries("a.list", LIST)
    assert [(one["types"], one["uris"], one["suites"]) for one in found][1:4] == [
        (["deb"], ["https://apt.example/debian"], ["bookworm-pgdg"]),
        (["deb"], ["http://local.example/"], ["bookworm/"]),
        (["deb-src"], ["http://deb.example/debian"], ["bookworm"])]
    assert found[1]["signed_by"] == "/usr/share/keyrings/x.gpg" and found[1]["components"] == ["main"]
    assert [one["trusted"] for one in found] == [False, False, True, False, False, False]
    stanzas = sources.entries("a.sources", SOURCES)
    assert [one["suites"] for one in stanzas] == [
        ["bookworm", "bookworm-updates", "bookworm-backports"], ["bookworm-y"]]


def test_a_list_goes_over_and_what_is_not_there_stays_readable(sources: ModuleType) -> None:
    text = sources.rewritten("a.list", LIST, OLD, NEW, {("https://apt.example/debian", "bookworm-pgdg")})
    assert text.splitlines() == [
        "# a comment", "deb http://deb.example/debian trixie main contrib",
        "# not there for trixie: deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] https://apt.example/debian "
        "bookworm-pgdg main # theirs",
        "deb [trusted=yes] http://local.example/ trixie/", "deb-src http://deb.example/debian trixie main",
        "# not there for trixie: deb http://deb.example/debian bookworm-backports main",
        "deb http://ready.example ready main"]


def test_stanzas_go_over_and_one_with_nothing_left_is_off(sources: ModuleType) -> None:
    text = sources.rewritten("a.sources", SOURCES, OLD, NEW, {("https://theirs.example", "bookworm-y")})
    assert "Suites: trixie trixie-updates\nComponents: main" in text
    assert [one["suites"] for one in sources.entries("a.sources", text)] == [["trixie", "trixie-updates"]]
    assert "# not there for trixie" in text and text.count("Enabled:") == 2


SUITES = st.sampled_from(["bookworm", "bookworm-updates", "bookworm-backports", "bookworm-x", "ready", "other"])


@given(st.lists(st.lists(SUITES, min_size=1, max_size=4, unique=True), min_size=1, max_size=4),
       st.sets(SUITES, max_size=3))
def test_nothing_of_the_old_release_is_left_and_a_second_time_changes_nothing(stanzas: list[list[str]],
                                                                              refused: set[str]) -> None:
    sources = load_utility("opsctl_sources")
    uri = "http://a.example"
    text = "\n".join(f"Types: deb\nURIs: {uri}\nSuites: {' '.join(suites)}\nComponents: main\n" for suites in stanzas)
    gone = {(uri, suite) for suite in refused}
    once = sources.rewritten("a.sources", text, OLD, NEW, gone)
    left = [suite for one in sources.entries("a.sources", once) for suite in one["suites"]]
    assert not [suite for suite in left if suite.startswith(OLD)]
    assert sources.rewritten("a.sources", once, OLD, NEW, gone) == once
    lines = "".join(f"deb {uri} {suite} main\n" for suites in stanzas for suite in suites)
    kept = [suite for one in sources.entries("a.list", sources.rewritten("a.list", lines, OLD, NEW, gone))
            for suite in one["suites"]]
    assert kept == left
