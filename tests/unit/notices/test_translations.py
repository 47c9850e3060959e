"""The words of each language: complete, checked against English, formatted by the language's rules."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from opsctl.contract.levels import LEVELS
from opsctl.core.errors import ConfigurationError
from opsctl.notices.layers import Layers
from opsctl.notices.translations import MissingWords, languages, load

LANGUAGES = ("en", "da", "de")


@pytest.fixture
def notices(templates: Path) -> Layers:
    return Layers(templates / "notices")


def change(layers: Layers, file: str, old: str, new: str) -> None:
    path = layers.base / "languages" / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def own(layers: Layers, folder: Path, text: str, name: str = "languages/da.po") -> Layers:
    """The same with a customer's own file before it."""
    path = folder / "own" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return Layers(layers.base, folder / "own")


def po(key: str, english: str, words: str) -> str:
    head = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
    return f'{head}\nmsgctxt "{key}"\nmsgid "{english}"\nmsgstr "{words}"\n'


def test_a_missing_translation_names_key_file_and_line(notices: Layers) -> None:
    change(notices, "da.po", 'msgstr "Kære {name}"', 'msgstr ""')
    with pytest.raises(MissingWords) as caught:
        load(notices, "da")
    [line] = caught.value.details
    number = (notices.base / "languages" / "da.po").read_text(encoding="utf-8").splitlines().index(
        'msgctxt "salutation"') + 1
    assert f"languages/da.po:{number} " in line.replace(f":{number + 1} ", f":{number} ")
    assert "salutation: is missing; translate it from messages.pot" in line


def test_a_guess_of_a_tool_is_no_translation(notices: Layers) -> None:
    change(notices, "da.po", 'msgctxt "salutation"', '#, fuzzy\nmsgctxt "salutation"')
    with pytest.raises(MissingWords, match="1 error"):
        load(notices, "da")


def test_english_that_changed_makes_a_translation_old(notices: Layers) -> None:
    change(notices, "messages.pot", 'msgid "Dear {name},"', 'msgid "Good day {name},"')
    with pytest.raises(ConfigurationError) as caught:
        load(notices, "de")
    assert "salutation: translates an older English text" in caught.value.details[0]
    assert load(notices, "en").say("salutation", name="X") == "Good day X,"


def test_a_key_that_there_is_not(notices: Layers) -> None:
    change(notices, "da.po", 'msgctxt "salutation"', 'msgctxt "greeting"')
    with pytest.raises(ConfigurationError) as caught:
        load(notices, "da")
    assert "greeting: is no key of messages.pot" in caught.value.details[0]


@pytest.mark.parametrize("new", ["Kære {navn}", "Kære {name.__class__}", "Kære {name!r}", "Kære {name", "Kære {}",
                                 "Kære"])
def test_placeholders_are_those_of_english(notices: Layers, new: str) -> None:
    change(notices, "da.po", "Kære {name}", new)
    with pytest.raises(ConfigurationError, match="1 error") as caught:
        load(notices, "da")
    assert "salutation: must have the placeholders" in caught.value.details[0]


def test_a_plural_form_that_the_language_needs(notices: Layers) -> None:
    change(notices, "de.po", 'msgstr[0] "{count} Minute"', 'msgstr[0] ""')
    with pytest.raises(MissingWords) as caught:
        load(notices, "de")
    assert "minutes: is missing" in caught.value.details[0]


def test_a_file_that_is_no_catalogue(notices: Layers) -> None:
    change(notices, "de.po", 'msgctxt "salutation"', 'msgtext "salutation"')
    with pytest.raises(ConfigurationError, match=r"de\.po:\d+ is no gettext catalogue"):
        load(notices, "de")


def test_a_language_without_a_catalogue(notices: Layers) -> None:
    with pytest.raises(MissingWords, match="no words in the language fr") as caught:
        load(notices, "fr")
    assert "da, de" in caught.value.resolution


def test_another_language_is_one_file_with_its_own_plurals(notices: Layers) -> None:
    catalog = Catalog(locale="pl")
    with (notices.base / "languages" / "messages.pot").open("rb") as file:
        for message in read_po(file):
            if message.id:
                words = (message.id[1],) * 3 if message.pluralizable else message.id
                catalog.add(message.id, words, context=message.context)
    hours = catalog.get(("{count} working hour", "{count} working hours"), context="hours")
    assert hours is not None
    hours.string = ("{count} godzina robocza", "{count} godziny robocze", "{count} godzin roboczych")
    with (notices.base / "languages" / "pl.po").open("wb") as file:
        write_po(file, catalog)
    words = load(notices, "pl")
    assert languages(notices) == ("en", "da", "de", "pl")
    assert [words.count("hours", number) for number in (1, 4, 16)] == [
        "1 godzina robocza", "4 godziny robocze", "16 godzin roboczych"]
    assert words.day(date(2026, 12, 4)) == "piątek 4 grudnia 2026"


def test_a_customer_s_own_words_go_before_everybody_s(notices: Layers, tmp_path: Path) -> None:
    mine = own(notices, tmp_path, po("salutation", "Dear {name},", "Hej {name}"))
    assert load(mine, "da").say("salutation", name="X") == "Hej X"
    assert load(notices, "da").say("salutation", name="X") == "Kære X"
    assert load(mine, "da").say("help.title") == "Hjælp"
    english = own(notices, tmp_path, po("salutation", "Dear {name},", "Hello {name},"), "languages/en.po")
    assert load(english, "en").say("salutation", name="X") == "Hello X,"


def test_a_customer_s_own_words_are_checked_too(notices: Layers, tmp_path: Path) -> None:
    mine = own(notices, tmp_path, po("greeting", "Dear {name},", "Hej {name}"))
    with pytest.raises(ConfigurationError) as caught:
        load(mine, "da")
    assert "own/languages/da.po" in caught.value.details[0] and "is no key" in caught.value.details[0]


def test_an_unknown_key_names_the_file(notices: Layers) -> None:
    with pytest.raises(ConfigurationError, match=r"messages\.pot: box\.nothing is missing"):
        load(notices, "en").say("box.nothing")


@pytest.mark.parametrize(("language", "text"), [
    ("en", "Friday 4 December 2026, 21:00 Danish time (CET, 20:00 UTC)"),
    ("da", "fredag den 4. december 2026 kl. 21.00 dansk tid (CET, 20.00 UTC)"),
    ("de", "Freitag, 4. Dezember 2026, 21:00 Uhr dänischer Zeit (MEZ, 20:00 UTC)")])
def test_moments(notices: Layers, language: str, text: str) -> None:
    assert load(notices, language).moment(datetime(2026, 12, 4, 20, 0, tzinfo=UTC)) == text  # type: ignore[arg-type]


def test_a_moment_on_another_day_in_utc(notices: Layers) -> None:
    text = load(notices, "en").moment(datetime(2026, 12, 4, 23, 30, tzinfo=UTC))
    assert text == "Saturday 5 December 2026, 00:30 Danish time (CET, Friday 4 December 2026 23:30 UTC)"


@pytest.mark.parametrize(("day", "text"), [
    (date(2026, 7, 1), "the end of Wednesday 1 July 2026, Danish time (CEST, 22:00 UTC)"),
    (date(2026, 12, 31), "the end of Thursday 31 December 2026, Danish time (CET, 23:00 UTC)"),
    (date(2026, 3, 29), "the end of Sunday 29 March 2026, Danish time (CEST, 22:00 UTC)"),
    (date(2026, 10, 25), "the end of Sunday 25 October 2026, Danish time (CET, 23:00 UTC)")])
def test_ends_of_days_also_when_the_clock_changes(notices: Layers, day: date, text: str) -> None:
    assert load(notices, "en").end_of_day(day) == text


@pytest.mark.parametrize(("language", "one", "many"), [
    ("en", "1 minute", "1,045 minutes"), ("da", "1 minut", "1.045 minutter"), ("de", "1 Minute", "1.045 Minuten")])
def test_plurals_and_numbers(notices: Layers, language: str, one: str, many: str) -> None:
    words = load(notices, language)  # type: ignore[arg-type]
    assert (words.count("minutes", 1), words.count("minutes", 1045)) == (one, many)


def test_lists(notices: Layers) -> None:
    words = load(notices, "en")
    assert [words.any_of(["a", "b", "c"][:size]) for size in range(4)] == ["", "a", "a or b", "a, b or c"]
    assert words.all_of(["a", "b", "c"]) == "a, b and c"


def test_the_english_levels_are_the_contract_s(notices: Layers) -> None:
    words = load(notices, "en")
    for letter, level in LEVELS.items():
        assert words.say(f"levels.{letter}.title") == level.title
        assert words.say(f"levels.{letter}.definition") == level.definition


def test_no_language_leaves_english_words_standing(notices: Layers) -> None:
    english = load(notices, "en").words
    alike = {"zone.CET", "zone.CEST", "format.time", "format.short_day", "format.day"}
    for language in ("da", "de"):
        same = {key for key, text in load(notices, language).words.items()  # type: ignore[arg-type]
                if text == english[key] and len(text.split()) > 2 and "{" not in text} - alike
        assert same == set()


def test_a_changed_file_is_read_again(notices: Layers) -> None:
    assert load(notices, "en").say("help.title") == "Help"
    change(notices, "messages.pot", 'msgid "Help"', 'msgid "Help and more"')
    assert load(notices, "en").say("help.title") == "Help and more"


def test_periods_and_durations(notices: Layers) -> None:
    words = load(notices, "en")
    start = datetime(2026, 12, 4, 20, 0, tzinfo=UTC)
    assert words.period(start, start + timedelta(hours=2)) == (
        "Friday 4 December 2026, 21:00-23:00 Danish time (CET, 20:00-22:00 UTC)")
    assert words.period(start, start + timedelta(hours=4)) == (
        "from Friday 4 December 2026, 21:00 Danish time (CET, 20:00 UTC) "
        "to Saturday 5 December 2026, 01:00 Danish time (CET, 00:00 UTC)")
    change_of_clocks = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert "CEST" in words.period(change_of_clocks, change_of_clocks + timedelta(hours=2))
    assert words.period(change_of_clocks, change_of_clocks + timedelta(hours=2)).startswith("from ")
    assert [words.duration(minutes) for minutes in (0, 1, 60, 150)] == [
        "0 minutes", "1 minute", "1 hour", "2 hours and 30 minutes"]
