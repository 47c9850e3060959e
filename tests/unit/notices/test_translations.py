"""The words of each language: complete, checked against English, formatted by the language's rules."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from opsctl.contract.levels import LEVELS
from opsctl.core.errors import ConfigurationError
from opsctl.notices.translations import load

LANGUAGES = ("en", "da", "de")


@pytest.fixture
def notices(templates: Path) -> Path:
    return templates / "notices"


def change(folder: Path, language: str, old: str, new: str) -> None:
    path = folder / "languages" / f"{language}.yml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_missing_translation_names_key_and_file(notices: Path) -> None:
    change(notices, "da", "  backup: >-", "  sikkerhedskopi: >-")
    with pytest.raises(ConfigurationError) as caught:
        load(notices, "da")
    text = "\n".join(caught.value.details)
    assert "languages/da.yml" in text and "before.backup: is missing; translate it from en.yml" in text
    assert "before.sikkerhedskopi: is not a key of en.yml" in text


@pytest.mark.parametrize(("old", "new"), [
    ("{customer} hoster selv", "I hoster selv"), ("Kære {name}", "Kære {navn}"),
    ("Kære {name}", "Kære {name.__class__}"),
    ("Kære {name}", "Kære {name!r}"), ("Kære {name}", "Kære {name"), ("Kære {name}", "Kære {}")])
def test_placeholders_are_those_of_english(notices: Path, old: str, new: str) -> None:
    change(notices, "da", old, new)
    if old.startswith("{customer}"):
        change(notices, "da", "I er registreret hos {customer}", "I er registreret")
    with pytest.raises(ConfigurationError, match="1 error") as caught:
        load(notices, "da")
    assert "placeholders" in caught.value.details[0]


def test_a_plural_form_that_the_language_needs(notices: Path) -> None:
    change(notices, "de", "minutes: {one: \"{count} Minute\", other", "minutes: {other")
    with pytest.raises(ConfigurationError) as caught:
        load(notices, "de")
    assert "minutes.one: is missing" in caught.value.details[0]


def test_english_may_not_misuse_placeholders_either(notices: Path) -> None:
    change(notices, "en", "Dear {name}", "Dear {name.__class__}")
    with pytest.raises(ConfigurationError):
        load(notices, "en")


def test_an_unknown_key_names_the_file(notices: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"en\.yml: box\.nothing is missing"):
        load(notices, "en").say("box.nothing")


@pytest.mark.parametrize(("language", "text"), [
    ("en", "Friday 4 December 2026, 21:00 Danish time (CET, 20:00 UTC)"),
    ("da", "fredag den 4. december 2026 kl. 21.00 dansk tid (CET, 20.00 UTC)"),
    ("de", "Freitag, 4. Dezember 2026, 21:00 Uhr dänischer Zeit (MEZ, 20:00 UTC)")])
def test_moments(notices: Path, language: str, text: str) -> None:
    assert load(notices, language).moment(datetime(2026, 12, 4, 20, 0, tzinfo=UTC)) == text  # type: ignore[arg-type]


def test_a_moment_on_another_day_in_utc(notices: Path) -> None:
    text = load(notices, "en").moment(datetime(2026, 12, 4, 23, 30, tzinfo=UTC))
    assert text == "Saturday 5 December 2026, 00:30 Danish time (CET, Friday 4 December 2026 23:30 UTC)"


@pytest.mark.parametrize(("day", "text"), [
    (date(2026, 7, 1), "the end of Wednesday 1 July 2026, Danish time (CEST, 22:00 UTC)"),
    (date(2026, 12, 31), "the end of Thursday 31 December 2026, Danish time (CET, 23:00 UTC)"),
    (date(2026, 3, 29), "the end of Sunday 29 March 2026, Danish time (CEST, 22:00 UTC)"),
    (date(2026, 10, 25), "the end of Sunday 25 October 2026, Danish time (CET, 23:00 UTC)")])
def test_ends_of_days_also_when_the_clock_changes(notices: Path, day: date, text: str) -> None:
    assert load(notices, "en").end_of_day(day) == text


@pytest.mark.parametrize(("language", "one", "many"), [
    ("en", "1 minute", "1,045 minutes"), ("da", "1 minut", "1.045 minutter"), ("de", "1 Minute", "1.045 Minuten")])
def test_plurals_and_numbers(notices: Path, language: str, one: str, many: str) -> None:
    words = load(notices, language)  # type: ignore[arg-type]
    assert (words.count("minutes", 1), words.count("minutes", 1045)) == (one, many)


def test_lists(notices: Path) -> None:
    words = load(notices, "en")
    assert [words.any_of(["a", "b", "c"][:size]) for size in range(4)] == ["", "a", "a or b", "a, b or c"]
    assert words.all_of(["a", "b", "c"]) == "a, b and c"


def test_the_english_levels_are_the_contract_s(notices: Path) -> None:
    words = load(notices, "en")
    for letter, level in LEVELS.items():
        assert words.say(f"levels.{letter}.title") == level.title
        assert words.say(f"levels.{letter}.definition") == level.definition


def test_no_language_leaves_english_words_standing(notices: Path) -> None:
    english = load(notices, "en").words
    alike = {"zone.CET", "zone.CEST", "format.time", "format.short_day", "format.day"}
    for language in ("da", "de"):
        same = {key for key, text in load(notices, language).words.items()  # type: ignore[arg-type]
                if text == english[key] and len(text.split()) > 2 and "{" not in text} - alike
        assert same == set()


def test_a_changed_file_is_read_again(notices: Path) -> None:
    assert load(notices, "en").say("help.title") == "Help"
    change(notices, "en", "  title: Help\n", "  title: Help and more\n")
    assert load(notices, "en").say("help.title") == "Help and more"
