"""A real Chromium without a window, by Playwright; and axe, which judges a page's accessibility."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import Browser, Page, sync_playwright

from tests.not_exercised import not_exercised

_AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
NAMES = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's own browser; not exercised, which fails where nothing may be left out, when there is none."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        not_exercised("no Chromium is installed (apt-get install chromium)")
    with sync_playwright() as playwright:
        # Its own sandbox needs an account other than root.
        browser = playwright.chromium.launch(executable_path=program,
                                             args=["--no-sandbox"] if os.geteuid() == 0 else [])
        try:
            yield browser
        finally:
            browser.close()


def violations(page: Page, without: Sequence[str] = ()) -> list[str]:
    """What axe finds wrong with the page, each with where; the frames in it are pages of their own.

    without: rules that do not hold for it.
    """
    options = {"iframes": False, "rules": {rule: {"enabled": False} for rule in without}}
    found: dict[str, Any] = page.evaluate(f"{_AXE};axe.run(document, {json.dumps(options)})")
    assert found["passes"], "axe ran"
    return [f"{one['id']}: {node['target']}" for one in found["violations"] for node in one["nodes"]]
