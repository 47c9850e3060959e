"""The fleet page in a real browser: axe finds nothing, nothing is wider than a phone, the keyboard reaches it all."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from opsctl.lab.history.service import Wanted, generate
from tests.contracts.chromium import chromium, violations

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """The page of a generated fleet, by the command line, and its data."""
    folder = tmp_path_factory.mktemp("fleet")
    settings = generate(Wanted(folder / "h", ROOT / "releases", ROOT / "templates", 60, 45, 1,
                               datetime.now(UTC).date()), lambda _: None).settings
    found = subprocess.run([sys.executable, "-m", "opsctl", "--config", str(settings), "report", "fleet", "--html",
                            str(folder / "fleet.html"), "--json"], cwd=ROOT, capture_output=True, check=True,
                           timeout=300)
    return folder / "fleet.html", json.loads(found.stdout)["data"]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")])
def test_axe_finds_nothing_and_nothing_is_cut(browser: Browser, made: tuple[Path, object], width: int,
                                              scheme: str) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(made[0].as_uri())
    page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
    assert asked == [made[0].as_uri()], "one file, nothing from elsewhere"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []
    page.close()


def test_the_keyboard_reaches_every_part(browser: Browser, made: tuple[Path, object]) -> None:
    page = browser.new_page(java_script_enabled=True)
    page.goto(made[0].as_uri())
    reached = set()
    for _ in range(14):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.getAttribute('href') || document.activeElement.tagName"))
    assert reached >= {"#broken", "#unknown", "#watch", "#calm", "#requests", "#windows", "#releases", "SUMMARY"}
    page.focus("summary")
    page.keyboard.press("Enter")
    assert page.evaluate("document.querySelector('details').open"), "without scripts"
    page.close()


def test_it_says_what_the_data_says(made: tuple[Path, dict[str, object]]) -> None:
    text, data = made[0].read_text(encoding="utf-8"), made[1]
    customers = data["customers"]
    assert isinstance(customers, list)
    assert len(re.findall(r'<tr id="generated-', text)) == len(customers) == 60
    places = [text.index(f'<tr id="{one["customer"]}"') for one in customers]
    assert places == sorted(places), "worst first, as the data"
    assert "<script" not in text and "http" not in text.replace("http-equiv", "")
    assert "Generated history" in text
    assert sum(data["groups"].values()) == 60  # type: ignore[attr-defined]


def test_each_picture_has_words(browser: Browser, made: tuple[Path, object]) -> None:
    page = browser.new_page()
    page.goto(made[0].as_uri())
    bare = page.evaluate("[...document.querySelectorAll('svg')].filter(one => !one.getAttribute('aria-label') && "
                         "one.getAttribute('aria-hidden') !== 'true').length")
    assert bare == 0
    assert page.evaluate("document.querySelectorAll('svg[aria-label]').length") > 40
    page.close()
