"""The HTML part of each kind in a real Chromium: axe finds nothing in light and dark, and it fits a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.contracts.chromium import chromium, violations
from tests.judges.mails import Mail

pytestmark = pytest.mark.slow
PATIENCE = 60_000
PHONE = 320
"""CSS pixels: the narrowest that WCAG 2.2 asks for (1.4.10, reflow)."""
OF_A_PAGE = ("landmark-one-main", "region")
"""A mail stands within the page of a mail reader, which has the landmarks."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing_in_any_kind(mails: list[Mail], browser: Browser, colours: str) -> None:
    # Axe judges structure and contrast, which are one template's; German has the longest words.
    page = browser.new_page(viewport={"width": PHONE, "height": 900}, color_scheme=colours)  # type: ignore[arg-type]
    page.set_default_timeout(PATIENCE)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    german = [mail for mail in mails if mail.recipient.language == "de"]
    for mail in german:
        page.goto((mail.folder / "message.html").as_uri())
        assert violations(page, OF_A_PAGE) == [], mail.name
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE, f"{mail.name} hangs over"
    ground = page.locator(".ground").evaluate("one => getComputedStyle(one).backgroundColor")
    page.close()
    assert (ground == "rgb(255, 255, 255)") == (colours == "light"), ground
    assert len(german) > 25 and all(url.startswith("file:") for url in asked), "nothing is fetched"
