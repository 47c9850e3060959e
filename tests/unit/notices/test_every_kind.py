"""Every kind of notice, in every language: the same facts, nothing left unfilled, text and HTML alike."""

from __future__ import annotations

import json
import re
from email import message_from_bytes, policy

import pytest

from opsctl.contract.services import PRODUCT
from opsctl.notices import brand as brands
from opsctl.notices import drafting, examples, render, translations
from opsctl.notices.layers import Layers
from opsctl.notices.letter import SUBJECT_LENGTH
from opsctl.notices.model import Edition, Facts, Letter, NoticeKind, Recipient
from opsctl.notices.outgoing import outgoing
from tests.unit.notices.conftest import ROOT
from tests.unit.notices.test_letter import Words

TEMPLATES = Layers(ROOT / "templates" / "notices")
BRAND = brands.load(TEMPLATES)
LANGUAGES = translations.languages(TEMPLATES)
FACTS = examples.every(LANGUAGES)
NAMES = [f"{number}-{facts.kind.value}" for number, facts in enumerate(FACTS)]
VERSION = r"(?<![\d.])\d{1,2}\.\d{1,2}\.\d{1,2}(?!\d)"
# What must be the same in every language, however dates and numbers are written.
SAME = (VERSION, r"(?:ERR|CVE)-[\d-]*\d", r"https?://\S+", r"[\w.-]+@[\w.-]+\w", r"CVSS:[^\s.]+",
        r"\b(?:19|20)\d\d\b", r"sudo .*|apt-cache .*", r"[0-9a-f]{64}")


def composed(facts: Facts, language: str) -> Letter:
    return drafting.composed(facts, Recipient("IT", "it@customer.example", language), Edition(1, examples.NOW), BRAND,
                             TEMPLATES)


@pytest.fixture(params=range(len(FACTS)), ids=NAMES)
def facts(request: pytest.FixtureRequest) -> Facts:
    return FACTS[request.param]


def test_there_is_an_example_of_every_kind() -> None:
    assert {found.kind for found in FACTS} == set(NoticeKind)


def numbers(text: str) -> list[str]:
    """All numbers but those of versions, with the separators of no language."""
    flat = re.sub(rf"{VERSION}|CVSS:\S+|[0-9a-f]{{64}}|24/7/365", " ", " ".join(text.split()))
    return sorted(re.findall(r"\d+", re.sub(r"(?<=\d)[.,:](?=\d)", "", flat)))


def test_the_same_facts_in_every_language(facts: Facts) -> None:
    texts = {language: render.text(composed(facts, language), BRAND, TEMPLATES) for language in LANGUAGES}
    for pattern in SAME:
        sets = {language: sorted(re.findall(pattern, text)) for language, text in texts.items()}
        assert sets["en"] == sets["da"] == sets["de"], pattern
    assert numbers(texts["en"]) == numbers(texts["da"]) == numbers(texts["de"])
    assert len(set(texts.values())) == 3, "each in its own words"


def test_each_date_has_its_weekday_and_each_time_its_zone(facts: Facts) -> None:
    for language in LANGUAGES:
        text = " ".join(render.text(composed(facts, language), BRAND, TEMPLATES).split())
        words = translations.load(TEMPLATES, language)
        days = "|".join(words.weekday(number) for number in range(7))
        for found in re.finditer(r"\d{1,2}\.? [^\W\d]+ 20\d\d", text):
            assert re.search(f"({days})(, | den | )$", text[:found.start()], re.IGNORECASE), found.group()
        assert text.count("UTC)") == len(re.findall(r"\((?:CES?T|MES?Z), [^()]*UTC\)", text)) > 0
        assert not re.search(r"\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b", re.sub(r"\d+\.\d+\.\d+|24/7/365", "", text))


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_and_html_say_the_same(facts: Facts, language: str) -> None:
    letter = composed(facts, language)
    text, html = render.text(letter, BRAND, TEMPLATES), render.html(letter, BRAND, TEMPLATES)

    def words(source: str) -> set[str]:
        layout = {"", "-", "!", "1.", "2.", "3.", *re.findall(r"[-=]{3,}", source)}
        return {word.strip(':"') for word in source.split()} - layout

    read = Words(html)
    targets = {str(attributes["href"]) for tag, attributes in read.tags if tag == "a"}
    # The band on top of the HTML names the vendor and the product; a link's target stands in the text as words.
    band = {BRAND.vendor, PRODUCT}
    files = {target for target in targets if "downloads" in target}
    assert words(read.text) | band | files == words(text) | band
    assert not re.search(r"[{}]|\bNone\b|Undefined", text) and PRODUCT in text
    assert all(len(line) <= 78 or "http" in line or "sha256" in line for line in text.splitlines())


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_notice_gives_three_channels_and_what_all_have(facts: Facts, language: str) -> None:
    letter = composed(facts, language)
    say = translations.load(TEMPLATES, language).say
    titles = [section.title for section in letter.sections]
    assert titles[0] == say("act.title"), "first of all whether anything is to be done"
    assert titles[-3:] == [say("help.title"), say("why.title"), say("notice.title")]
    text = render.text(letter, BRAND, TEMPLATES)
    assert all(channel in text for channel in (BRAND.website, BRAND.phone, BRAND.email))
    assert len(letter.subject) <= SUBJECT_LENGTH and letter.subject.startswith(f"[{PRODUCT}")
    assert facts.notice in text


def test_what_is_drafted_leaves_as_it_was_meant(facts: Facts) -> None:
    """The check before a mail is handed over knows the attachments and the thread of later revisions."""
    recipient = Recipient("Ærlig Anna", "anna@customer.example", "da")
    files = drafting.files(facts, (recipient,), Edition(4, examples.NOW, ("wording",)), BRAND, TEMPLATES)
    [entry] = json.loads(files.content[drafting.SUMMARY])["recipients"]
    sent = outgoing(files.content["message.eml"], recipient, BRAND, examples.NOW, entry["subject"],
                    entry["message_id"])
    parsed = message_from_bytes(sent, policy=policy.SMTP)
    assert len(str(parsed["References"]).split()) == 3 and "X-Unsent" not in parsed and b"\r\n.\r\n" not in sent
    drafted = message_from_bytes(files.content["message.eml"], policy=policy.SMTP)
    assert [part.get_payload(decode=True) for part in parsed.walk() if not part.is_multipart()] == [
        part.get_payload(decode=True) for part in drafted.walk() if not part.is_multipart()]


def test_the_ids_of_notices_have_a_dot_and_fit_a_folder_and_a_message_id() -> None:
    for found in FACTS:
        assert "." in found.notice and re.fullmatch(r"[a-z0-9.-]+", found.notice), found.notice


def test_own_backup_is_asked_for_wherever_the_customer_changes_its_system(facts: Facts) -> None:
    """P26: nobody else has a backup of a system that the customer hosts."""
    if facts.kind in {NoticeKind.PLATFORM} or (facts.kind is NoticeKind.END_OF_SUPPORT and getattr(facts, "way", None)):
        for language, words in (("en", "Take your own backup"), ("da", "Tag jeres egen backup"),
                                ("de", "Erstellen Sie ")):
            text = " ".join(render.text(composed(facts, language), BRAND, TEMPLATES).split())
            assert words in text and "Kamstrup" in text
