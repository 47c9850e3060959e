"""`notice check`: every template for every kind and language; a customer's own; what is wrong and where."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from opsctl.core.errors import ExitCode
from opsctl.core.outcome import Status
from opsctl.notices import layers
from opsctl.notices.approval import known
from opsctl.notices.kinds import RULES
from opsctl.notices.service import draft
from opsctl.notices.trial import check, try_all
from opsctl.releases.catalogue import Catalogue
from opsctl.runs.workplace import Workplace
from tests.unit.notices.conftest import ROOT, ProfileMaker

OWN = """{% extends "message.html.j2" %}
{% block band %}Elmegaard and {{ brand.vendor }}{% endblock %}
"""


@pytest.fixture
def base(templates: Path) -> layers.Layers:
    return layers.Layers(templates / "notices")


@pytest.fixture
def place(workplace: Workplace, tmp_path: Path) -> Workplace:
    """A workplace whose customers' folders a test may change."""
    shutil.copytree(ROOT / "inventories", tmp_path / "inventories")
    settings = workplace.settings.model_copy(update={"inventories": tmp_path / "inventories"})
    return replace(workplace, settings=settings)


def write(place: Workplace, name: str, text: str) -> None:
    path = place.settings.inventories / "sample-elmegaard" / "notices" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_templates_of_the_tree_are_sound(base: layers.Layers) -> None:
    found = try_all(base)
    assert found.problems == () and found.count >= 3 * len(RULES)


@pytest.mark.slow
@pytest.mark.parametrize(("old", "new", "problem"), [
    ("{{ letter.salutation }}", "{{ letter.greeting }}", "has no attribute 'greeting'"),
    ("{{ letter.salutation }}", "{% if %}", "is wrong: "),
    ("{{ letter.salutation }}", "{{ letter.__class__.__mro__ }}", "is unsafe"),
    ("{{ letter.salutation }}", "{{ 1 // 0 }}", "cannot be rendered: ")])
def test_a_template_that_is_wrong_names_file_and_line(base: layers.Layers, old: str, new: str, problem: str) -> None:
    edit(base.base / "message.html.j2", old, new)
    [line] = try_all(base).problems
    assert "message.html.j2:" in line and problem in line, line
    assert "(major in en, update in en, " in line and "more)" in line, "where it was met"


@pytest.mark.slow
def test_a_value_that_reaches_the_html_is_escaped(base: layers.Layers) -> None:
    edit(base.base / "message.txt.j2", "{{ letter.salutation }}", "{{ letter.salutation }} {{ '{' }}")
    assert any("has a brace" in line for line in try_all(base).problems)


@pytest.mark.slow
def test_a_gap_in_a_language_is_named_once(base: layers.Layers) -> None:
    edit(base.base / "languages" / "de.po", 'msgstr "Guten Tag {name},"', 'msgstr ""')
    [line] = try_all(base).problems
    assert "de.po:" in line and "salutation: is missing" in line


def test_a_wrong_brand_is_named(base: layers.Layers) -> None:
    edit(base.base / "brand.yml", "vendor: Kamstrup", "vendour: Kamstrup")
    assert any("did you mean vendor?" in line for line in try_all(base).problems)


@pytest.mark.slow
def test_customers_with_their_own_files_are_checked_too(place: Workplace) -> None:
    everybody = check(place.settings, ["sample-elmegaard", "sample-dalmose"])
    write(place, "major.html.j2", OWN)
    both = check(place.settings, ["sample-elmegaard", "sample-dalmose"])
    assert (everybody.status, both.status) == (Status.UNCHANGED, Status.UNCHANGED)
    assert int(both.summary.split()[0]) == 2 * int(everybody.summary.split()[0])
    write(place, "major.html.j2", OWN.replace("brand.vendor", "brand.vendour"))
    wrong = check(place.settings, ["sample-elmegaard"])
    assert (wrong.status, wrong.code) == (Status.CHECK_FAILED, ExitCode.CHECK_FAILED)
    [line] = wrong.data["details"]
    assert line.startswith("sample-elmegaard: ") and "notices/major.html.j2:2 cannot be rendered" in line
    assert "update" not in line, "the kinds without a template of their own are sound"


def test_a_customer_s_own_template_is_used_and_is_part_of_the_revision(place: Workplace, releases: Catalogue,
                                                                       sample: ProfileMaker) -> None:
    first = draft(place, sample("elmegaard"), releases=releases)
    write(place, "major.html.j2", OWN)
    second = draft(place, sample("elmegaard"), releases=releases)
    assert (second.data["revision"], second.status) == (2, Status.DONE)
    html = [(Path(one.data["folder"]) / "message.html").read_text(encoding="utf-8") for one in (first, second)]
    assert "Elmegaard and Kamstrup" not in html[0] and "Elmegaard and Kamstrup" in html[1]
    assert known(place, "sample-elmegaard")[-1].changed == ("wording",)
    other = draft(place, sample("dalmose"), releases=releases)
    assert "Elmegaard" not in (Path(other.data["folder"]) / "message.html").read_text(encoding="utf-8")
