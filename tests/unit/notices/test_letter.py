"""What a notice says: the same facts in text and HTML and in every language, in the agreed order."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from html.parser import HTMLParser
from typing import Any

import pytest

from opsctl.contract.levels import LEVELS
from opsctl.contract.services import PRODUCT
from opsctl.notices import brand as brands
from opsctl.notices import letter, planning, render, translations
from opsctl.notices.layers import Layers
from opsctl.notices.model import Edition, Letter, Recipient, ReleaseFacts
from opsctl.notices.telling import Telling
from opsctl.profiles.parts import Language
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.model import ADAPTER, Release
from opsctl.releases.version import Version
from tests.unit.notices.conftest import NOW, ROOT, ProfileMaker

TEMPLATES = Layers(ROOT / "templates" / "notices")
BRAND = brands.load(TEMPLATES)
LANGUAGES: tuple[Language, ...] = ("en", "da", "de")
SECTIONS = ["Do you have to act?", "At a glance", "What changes for you", "Security", "Before you start",
            "Upgrade path", "Download and check", "How to get back", "Known problems", "End of support", "Help",
            "Why you receive this", "About this notice"]
OWN_BACKUP = {"en": "Take your own backup of the database and the configuration before you install",
              "da": "Tag jeres egen backup af databasen og konfigurationen, før I installerer",
              "de": "Erstellen Sie vor der Installation Ihre eigene Sicherung der Datenbank und der Konfiguration"}
Made = Callable[..., tuple[Letter, str, str]]


class Words(HTMLParser):
    """The text of an HTML document, without style and title."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._silent = 0
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._silent += tag in {"style", "title"}

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in {"style", "title"}

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.found.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.found).split())


def facts(profile: Any, releases: Catalogue) -> ReleaseFacts:
    found = planning.plan(profile, releases, NOW).facts
    assert isinstance(found, ReleaseFacts)
    return found


def rendered(found: ReleaseFacts, language: Language, revision: int = 1, changed: tuple[str, ...] = ()
             ) -> tuple[Letter, str, str]:
    recipient = Recipient("IT Somewhere", "it@somewhere.example", language)
    made = letter.compose(Telling(found, recipient, Edition(revision, NOW, changed), BRAND,
                                  translations.load(TEMPLATES, language)))
    return made, render.text(made, BRAND, TEMPLATES), render.html(made, BRAND, TEMPLATES)


@pytest.fixture(params=["dalmose", "elmegaard"])
def found(request: pytest.FixtureRequest, sample: ProfileMaker, releases: Catalogue) -> ReleaseFacts:
    return facts(sample(request.param), releases)


def with_changed(releases: Catalogue, version: str, **changed: Any) -> Catalogue:
    """The catalogue with one release's keys replaced."""
    parsed = Version.parse(version)
    data = {**releases.releases[parsed].model_dump(mode="json", by_alias=True), **changed}
    release: Release = ADAPTER.validate_python(data)
    return Catalogue({**releases.releases, parsed: release}, releases.files)


def test_the_order_of_the_parts(found: ReleaseFacts) -> None:
    made, text, html = rendered(found, "en")
    assert [section.title for section in made.sections] == SECTIONS
    places = [text.index(f"\n{title}\n") for title in SECTIONS]
    assert places == sorted(places)
    assert re.findall(r"<h2[^>]*>([^<]*)</h2>", html) == SECTIONS


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_and_html_say_the_same(found: ReleaseFacts, language: Language) -> None:
    _, text, html = rendered(found, language)

    def words(source: str) -> set[str]:
        layout = {"", "-", "!", "1.", "2.", *re.findall(r"[-=]{3,}", source)}
        return {word.strip(':"') for word in source.split()} - layout

    # The band on top of the HTML names the vendor and the product, nothing else.
    assert words(Words(html).text) == words(text)


def test_the_same_facts_in_every_language(found: ReleaseFacts) -> None:
    patterns = (r"\d+\.\d+\.\d+", r"(?:ERR|CVE)-[\d-]*\d", r"https?://\S+", r"[\w.-]+@[\w.-]+\w", r"CVSS:[^\s.]+",
                r"ready-server=\S+", r"release-\S+", r"\b(?:19|20)\d\d\b", r"sudo .*|apt-cache .*")
    texts = {language: rendered(found, language)[1] for language in LANGUAGES}
    for pattern in patterns:
        sets = {language: sorted(re.findall(pattern, text)) for language, text in texts.items()}
        assert sets["en"] == sets["da"] == sets["de"], pattern
        assert sets["en"], pattern


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_date_stands_in_the_long_form(found: ReleaseFacts, language: Language) -> None:
    words = translations.load(TEMPLATES, language)
    text = " ".join(rendered(found, language)[1].split())
    assert found.action is not None and found.support_until is not None
    for day in (found.action.by, found.support_until, found.way.target.support.until):
        assert words.end_of_day(day) in text
    for moment in (found.published_at, NOW):
        assert words.moment(moment) in text
    assert not re.search(r"\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b", re.sub(r"\d+\.\d+\.\d+|24/7/365", "", text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_customer_takes_its_own_backup(found: ReleaseFacts, language: Language) -> None:
    _, text, html = rendered(found, language)
    assert OWN_BACKUP[language] in " ".join(text.split())
    assert f"<strong>{OWN_BACKUP[language]}" in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_three_channels_hours_and_levels(found: ReleaseFacts, language: Language) -> None:
    _, text, html = rendered(found, language)
    for source in (text, Words(html).text):
        for channel in (BRAND.website, BRAND.phone, BRAND.email):
            assert channel in source
        assert "24/7/365" in source
        assert {"08:00-16:00", "08:00-14:30"} == {
            hours.replace(".", ":") for hours in re.findall(r"\d\d[.:]\d\d-\d\d[.:]\d\d", source)}
    flat = " ".join(text.split())
    words = translations.load(TEMPLATES, language)
    for name, level in LEVELS.items():
        assert f"{name}: {words.say(f'levels.{name}.title')}" in flat
        assert words.count("hours", level.working_hours) in flat
    assert f'href="tel:{BRAND.phone.replace(" ", "")}"' in html and f'href="mailto:{BRAND.email}"' in html


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_left_unfilled(found: ReleaseFacts, language: Language) -> None:
    made, text, html = rendered(found, language)
    for source in (made.subject, text, Words(html).text):
        assert not re.search(r"[{}]|None|Undefined|\bact\.|  {3}[a-z]+\.[a-z_]+$", source)
        assert set(re.findall(r"\bREAdy|\bREady|\bReady\b", source)) == set()
    assert PRODUCT in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_lines_of_the_text_are_short(found: ReleaseFacts, language: Language) -> None:
    _, text, _ = rendered(found, language)
    assert all(len(line) <= 78 for line in text.splitlines())
    assert "\n\n\n\n" not in text and text.endswith("\n") and "\r" not in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_html_can_be_read_by_everyone(found: ReleaseFacts, language: Language) -> None:
    _, _, html = rendered(found, language)
    tags = Words(html).tags
    names = [tag for tag, _ in tags]
    assert names.count("h1") == 1 and names.count("title") == 1
    assert not {"script", "form", "img", "link", "iframe", "object"} & set(names), "nothing is fetched, nothing runs"
    assert not re.search(r"url\(|@import|position:|float:|display:flex", html)
    named = {tag: attributes for tag, attributes in tags if tag in {"html", "div"}}
    assert all(named[tag]["lang"] == language and named[tag]["dir"] == "ltr" for tag in ("html", "div"))
    assert all(attributes.get("scope") for tag, attributes in tags if tag == "th")
    for tag, attributes in tags:
        if tag == "table":
            assert attributes.get("role") == "presentation" or attributes["class"] == "box", "layout or data, said so"
        if tag == "a":
            assert "underline" in (attributes["style"] or ""), "a link is known by more than its colour"
    assert len(html.encode()) < 100_000


def test_errors_that_the_customer_reported_are_marked_and_nobody_else_s(sample: ProfileMaker, releases: Catalogue
                                                                         ) -> None:
    """P08: each customer sees its own reports, and no trace of another's."""
    mine = planning.plan(sample("elmegaard"), releases, NOW, frozenset({"ERR-0990", "ERR-1042"})).facts
    other = planning.plan(sample("elmegaard"), releases, NOW).facts
    assert isinstance(mine, ReleaseFacts) and isinstance(other, ReleaseFacts)
    for language, words in (("en", "Reported by you"), ("da", "Rapporteret af jer"), ("de", "Von Ihnen gemeldet")):
        text = rendered(mine, language)[1]
        assert text.count(words) == 2 and f"{words}: ERR-0990." in text and f"{words}: ERR-1042." in text
        assert words not in rendered(other, language)[1]
    assert "ERR-9999" not in rendered(planning_of(sample, releases, "ERR-9999"), "en")[1], "not in any release told of"


def planning_of(sample: ProfileMaker, releases: Catalogue, error: str) -> ReleaseFacts:
    found = planning.plan(sample("elmegaard", reported_errors=[error]), releases, NOW, frozenset({error})).facts
    assert isinstance(found, ReleaseFacts)
    return found


def test_what_a_customer_writes_stays_text(sample: ProfileMaker, releases: Catalogue) -> None:
    name = "Vand & <script>alert(1)</script> {{ 7*7 }} {name}"
    _, text, html = rendered(facts(sample("dalmose", name=name), releases), "en")
    assert name in " ".join(text.split())
    assert "<script>" not in html and name in Words(html).text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["Ro", "Vestby Vand", "Ø" * 60], ids=["short", "usual", "longest"])
@pytest.mark.parametrize("act", [True, False])
def test_subjects_have_at_most_70_characters(sample: ProfileMaker, releases: Catalogue, language: Language, name: str,
                                             act: bool) -> None:
    changed = releases if act else with_changed(releases, "6.0.0", action_required={})
    subject = rendered(facts(sample("dalmose", name=name), changed), language)[0].subject
    assert subject.startswith("[READY 6.0.0] ") and len(subject) <= 70
    if not act and len(name) < 20:
        assert subject.endswith(f" - {name}")


def test_a_patch_that_closes_a_vulnerability_says_so_in_the_subject(sample: ProfileMaker, releases: Catalogue) -> None:
    known = Catalogue({version: release for version, release in releases.releases.items() if version.minor == 4},
                      releases.files)
    made, text, _ = rendered(facts(sample("elmegaard", name="Elmegaard"), known), "en")
    assert made.subject == "[READY 5.4.1] Security update - Elmegaard"
    assert "No date is set." in text and "Kind: Patch, security update" in text
    assert "Reversible: Yes, at any time" in text and "Point of no return" not in text


def test_an_urgent_update_gives_its_reason(sample: ProfileMaker, releases: Catalogue) -> None:
    changes = [dict(change.model_dump(mode="json"), exploited=True) if change.type == "security"
               else change.model_dump(mode="json") for change in releases.releases[Version.parse("6.0.0")].changes]
    _, text, _ = rendered(facts(sample("dalmose"), with_changed(releases, "6.0.0", changes=changes)), "en")
    flat = " ".join(text.split())
    assert "as soon as you can, because it closes a vulnerability of severity important" in flat
    assert "Actively exploited: Yes. Exploitation is known." in flat


def test_installed_version_unknown(sample: ProfileMaker, releases: Catalogue) -> None:
    profile = sample("dalmose", ready={"modules": ["ready-core"]})
    _, text, _ = rendered(facts(profile, releases), "en")
    flat = " ".join(text.split())
    assert "We do not know which version of READY you have installed" in flat
    assert "Your version: Not known to us" in flat
    assert "Install READY 5.5.0 first if your version is older." in flat
    assert "ERR-1013" not in flat, "nothing is claimed of releases that may be installed"
    assert "We do not know until when your version is supported" in flat


def test_installed_version_withdrawn_and_out_of_support(sample: ProfileMaker, releases: Catalogue) -> None:
    taken = with_changed(releases, "5.4.0", status="withdrawn", support={"until": "2026-11-22", "branch": "5.4"},
                         withdrawn={"at": "2026-11-20T08:00:00+01:00", "reason": {"en": "It loses readings."}})
    found = facts(sample("elmegaard"), taken)
    _, text, html = rendered(found, "en")
    flat = " ".join(text.split())
    assert ("was withdrawn on Friday 20 November 2026, 08:00 Danish time (CET, 07:00 UTC). "
            "Reason: It loses readings.") in flat
    assert "Support for your version, READY 5.4.0, ended at the end of Sunday 22 November 2026" in flat
    assert html.count('class="text warning"') == 3


def test_the_last_day_of_support_is_still_supported(sample: ProfileMaker, releases: Catalogue) -> None:
    last = with_changed(releases, "5.4.0", support={"until": "2026-11-23", "branch": "5.4"})
    assert not facts(sample("elmegaard"), last).out_of_support


def test_files_to_download_have_size_hash_and_check(sample: ProfileMaker, releases: Catalogue) -> None:
    url = "https://downloads.example"
    files = [{"os": "debian", "url": f"{url}/ready_6.0.0.deb", "size": 83886080, "sha256": "ab" * 32,
              "signature": f"{url}/ready_6.0.0.deb.asc"},
             {"os": "windows-server", "url": f"{url}/ready-6.0.0.msi", "size": 9, "sha256": "cd" * 32}]
    changed = with_changed(releases, "6.0.0", artifacts=files, apt=None)
    _, text, html = rendered(facts(sample("dalmose"), changed), "en")
    for words in ("https://downloads.example/ready_6.0.0.deb", "Size: 83,886,080 bytes", f"SHA-256: {'ab' * 32}",
                  f'echo "{"ab" * 32}  ready_6.0.0.deb" | sha256sum --check',
                  "gpg --verify ready_6.0.0.deb.asc ready_6.0.0.deb", "certutil -hashfile ready-6.0.0.msi SHA256"):
        assert words in text
        assert words in Words(html).text or words in html or "  " in words
    assert "apt-get" not in text


def test_a_module_not_owned_is_offered_and_switched_off(sample: ProfileMaker, releases: Catalogue) -> None:
    _, text, _ = rendered(facts(sample("dalmose"), releases), "en")
    flat = " ".join(text.split())
    assert "Heat forecast: part of READY 6.0.0, and switched off." in flat
    assert "estimates the demand" not in flat and "Leak alarm" not in flat


def test_a_revision_says_what_changed(found: ReleaseFacts) -> None:
    _, text, _ = rendered(found, "en", 3, ("changes", "wording"))
    assert "Revision: 3" in text and "Changed since revision 2: changes, wording or contact data" in text
    assert "Changed since" not in rendered(found, "en")[1]


def test_a_correction_that_is_lost_is_told(sample: ProfileMaker, releases: Catalogue) -> None:
    data = releases.releases[Version.parse("5.4.1")].model_dump(mode="json", by_alias=True)
    aside = ADAPTER.validate_python({
        **data, "version": "5.4.2", "previous": "5.4.1", "apt": {"package": "ready-server", "version": "5.4.2"},
        "changes": [{"type": "fix", "error": "ERR-1500", "text": {"en": "Corrects what is lost."}}]})
    profile = sample("elmegaard", ready={"version": "5.4.2", "modules": ["ready-core"]})
    made = planning.plan(profile, Catalogue({**releases.releases, aside.version: aside}, releases.files), NOW)
    assert made.facts is not None and any("ERR-1500" in warning for warning in made.warnings)
    flat = " ".join(rendered(made.facts, "en")[1].split())
    assert "Your version contains a correction that is not in READY 6.0.0: Corrects what is lost." in flat


def test_a_day_for_action_that_has_passed_is_a_warning(sample: ProfileMaker, releases: Catalogue) -> None:
    late = with_changed(releases, "6.0.0", action_required={
        "customer_hosted": {"by": date(2026, 11, 22).isoformat(), "text": {"en": "Install."}}})
    assert any("has passed" in warning for warning in planning.plan(sample("dalmose"), late, NOW).warnings)
