"""What becomes of apt's sources on the way to the next release: read, decided, rewritten."""

import shutil
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.not_exercised import not_exercised
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


@pytest.mark.parametrize(("text", "shown"), [
    ("https://me:s3cret@apt.example/x", "https://apt.example/x"), ("http://token@apt.example", "http://apt.example"),
    ("E: https://a:b@c@apt.example:8443/x and http://u:p@other.example/",
     "E: https://apt.example:8443/x and http://other.example/"),
    ("mirror+https://me:s3cret@apt.example/list", "mirror+https://apt.example/list"),
    ("http://apt.example/a@b", "http://apt.example/a@b"), ("cdrom:[Debian 12]/", "cdrom:[Debian 12]/"),
    ("mail root@example.com", "mail root@example.com")])
def test_no_user_or_password_is_shown(sources: ModuleType, text: str, shown: str) -> None:
    assert sources.public(text) == shown


def test_what_is_refused_is_found_whoever_logs_in_there_and_the_rest_keeps_its_password(sources: ModuleType) -> None:
    address, secret = "https://apt.example/debian", "https://me:s3cret@apt.example/debian"
    for refused, there in ((set(), True), ({(address, OLD)}, False)):
        text = sources.rewritten("a.list", f"deb {secret} {OLD} main\n", OLD, NEW, refused)
        assert text.startswith(f"deb {secret} {NEW} main" if there else "# not there")
        stanza = sources.rewritten("a.sources", f"Types: deb\nURIs: {secret}\nSuites: {OLD}\n", OLD, NEW, refused)
        assert f"URIs: {secret}\n" in stanza and (f"Suites: {NEW}" in stanza) is there


@pytest.mark.slow
def test_a_source_with_a_password_is_asked_and_told_without_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if shutil.which("apt-get") is None:
        not_exercised("apt-get is not on this machine")
    ahead = [load_utility(f"opsctl_{name}") for name in ("apt", "ready", "sources", "ahead")][-1]
    monkeypatch.setattr(ahead, "SOURCES", str(tmp_path))
    (tmp_path / "sources.list").write_text(f"deb http://me:s3cret@127.0.0.1:9/x {OLD} main\n"
                                           "deb http://me:s3cret@127.0.0.1:9/y ready main\n")
    found = ahead.read_sources(OLD, NEW)
    assert "s3cret" not in str(found)
    assert [(one["uri"], one["fate"]) for one in found] == [("http://127.0.0.1:9/x", "left"),
                                                            ("http://127.0.0.1:9/y", "stays")]
    assert "127.0.0.1" in found[0]["why"] and found[0]["line"].endswith(f": http://127.0.0.1:9/x {OLD} left {NEW}")
    (text,) = ahead.changed_files(found, OLD, NEW).values()
    assert text.splitlines() == [f"# not there for {NEW}: deb http://me:s3cret@127.0.0.1:9/x {OLD} main",
                                 "deb http://me:s3cret@127.0.0.1:9/y ready main"]
    assert ahead.ahead(found, OLD, NEW)["error"] and "s3cret" not in str(ahead.ahead(found, OLD, NEW))


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
