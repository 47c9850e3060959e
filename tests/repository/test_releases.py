"""The sample releases in this tree: sound, marked as samples, complete in every language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from opsctl.contract.services import PRODUCT
from opsctl.releases.catalogue import Catalogue, load
from opsctl.releases.path import path
from opsctl.releases.version import Version

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "releases").glob("*.yml"))


@pytest.fixture(scope="module")
def found() -> Catalogue:
    return load(ROOT / "releases")


def test_the_releases_that_the_lab_knows(found: Catalogue) -> None:
    known = [str(version) for version in sorted(found.releases)]
    assert known == ["5.3.0", "5.4.0", "5.4.1", "5.5.0", "6.0.0", "6.0.1"]
    assert [str(release.version) for release in found.published()] == ["6.0.0", "5.5.0", "5.4.1", "5.4.0", "5.3.0"]


def test_the_required_stop_lies_on_the_way(found: Catalogue) -> None:
    newest = found.newest()
    assert newest is not None
    for installed in ("5.3.0", "5.4.0", "5.4.1"):
        way = path(found, Version.parse(installed), newest)
        assert way is not None and [str(hop.version) for hop in way.hops] == ["5.5.0", "6.0.0"]


def test_all_are_marked_as_samples(found: Catalogue) -> None:
    assert all(release.sample for release in found.releases.values())
    links = [artifact.url for release in found.releases.values() for artifact in release.artifacts]
    assert all(".example/" in link for link in links)
    years = {name.split("-")[1] for release in found.releases.values() for change in release.changes
             for name in change.ids if name.startswith("CVE-")}
    assert years == {"1900"}, "numbers that belong to no real vulnerability"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_text_has_every_language(file: Path) -> None:
    texts = list(_texts(yaml.safe_load(file.read_text(encoding="utf-8"))))
    assert texts
    for text in texts:
        assert set(text) == {"en", "da", "de"}
        assert len(set(text.values())) == 3, "a translation that is not one"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_one_spelling_of_the_product(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    # In small letters it is an English word, or part of the package's name.
    assert set(re.findall(r"\bready\b", text, re.IGNORECASE)) <= {PRODUCT, "ready"}


def _texts(node: object) -> Iterator[dict[str, str]]:
    if isinstance(node, dict):
        if "en" in node:
            yield node
        for value in node.values():
            yield from _texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value)
