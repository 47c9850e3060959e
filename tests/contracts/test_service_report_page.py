"""The service report in a real browser: nothing for axe to find, nothing wider than a phone, and pages that print."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from opsctl.report.service.build import build
from opsctl.report.service.formats import ReportFormat, render
from tests.contracts.chromium import chromium, violations
from tests.unit.promises.register_values import OCTOBER, ROOT, at, every_day, evidence, view

pytestmark = pytest.mark.slow
FAILED = ("backup.failed", at(date(2026, 10, 14)), {"database": "ready", "reason": "the store answered 503 " * 9})


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(params=["aalund", "dalmose"])
def page_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    told = [*every_day(set(OCTOBER.days()) - {date(2026, 10, 14)}), FAILED]
    report = build(view(evidence(*told), name=request.param), lambda _: None)
    path = tmp_path / "report.html"
    path.write_text(render(report, ReportFormat.HTML, ROOT / "templates" / "reports"), encoding="utf-8")
    return path


@pytest.mark.parametrize(("width", "scheme"), [(1100, "light"), (1100, "dark"), (360, "light"), (360, "dark")])
def test_axe_finds_nothing_and_nothing_is_cut(browser: Browser, page_file: Path, width: int, scheme: str) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)  # type: ignore[arg-type]
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_file.as_uri())
    assert asked == [page_file.as_uri()], "one file, nothing from elsewhere"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []
    page.close()


def test_it_prints(browser: Browser, page_file: Path) -> None:
    page = browser.new_page()
    page.goto(page_file.as_uri())
    printed = page.pdf(prefer_css_page_size=True)
    assert printed.startswith(b"%PDF")
    page.close()
