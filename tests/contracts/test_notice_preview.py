"""The preview in a real browser, started by the real command: seen, judged by axe, approved by the keyboard alone."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.contracts.chromium import chromium, violations
from tests.contracts.smtp_server import Script
from tests.contracts.test_notice_sending import CUSTOMER, NOTICE, PROFILE, Operator

SECOND = "  - {name: Anna (sample), email: anna@elmegaard.example, roles: [notices], language: da}\n"
PATIENCE = 30_000
"""Milliseconds for a page on a busy machine."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    """Two revisions of one notice, the second for two contacts; and another customer's first."""
    made = Operator(tmp_path, Script(port=9))
    assert made.draft(CUSTOMER, "sample-dalmose").code == 0
    made.edit(PROFILE, "domains:", f"{SECOND}domains:")
    assert made.draft().code == 0
    return made


@contextmanager
def preview(operator: Operator, *words: str) -> Iterator[str]:
    """`opsctl notice preview`; yields the address it prints, and ends it by Ctrl-C."""
    child = operator.start("notice", "preview", *words)
    assert child.stderr is not None
    try:
        address = next(found.group() for line in child.stderr if (found := re.search(r"http://\S+", line)))
        yield address
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
        assert (child.returncode, out) == (0, "the preview has ended\n"), err
    finally:
        if child.poll() is None:
            child.kill()
            child.communicate()


@contextmanager
def opened(browser: Browser, address: str) -> Iterator[Page]:
    """The page behind `address`; fails when anything came from elsewhere, or the page complained."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="null")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(address)
    try:
        yield page
        complaints = [one for one in complaints if "status of 409" not in one]
        strange = [url for url in asked if urlsplit(url).netloc != urlsplit(address).netloc and url[:5] != "data:"]
        assert not strange and not complaints, (strange, complaints)
    finally:
        context.close()


def key_of(operator: Operator, name: str = "anna") -> tuple[str, str]:
    return "--key", str(operator.folder / name)


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus, as a person without a mouse does."""
    for _ in range(60):
        if page.evaluate("s => !!document.activeElement && document.activeElement.matches(s)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {selector}")


def open_draft(page: Page) -> None:
    page.locator(f"nav a[href$='{CUSTOMER}/{NOTICE}']").click()
    expect(page.locator("iframe")).to_be_visible()


def test_everything_is_shown_and_nothing_comes_from_elsewhere(operator: Operator, browser: Browser) -> None:
    with preview(operator, *key_of(operator)) as address, opened(browser, address) as page:
        expect(page.locator("h1")).to_have_text("2 notices wait for approval")
        open_draft(page)
        expect(page.locator("h1")).to_contain_text("[READY 6.0.0]")
        expect(page.get_by_role("cell", name="anna@elmegaard.example")).to_be_visible()
        expect(page.locator("section", has_text="What changed since revision 1")).to_contain_text(
            "added: Anna (sample) <anna@elmegaard.example>, da")
        expect(page.locator(".text pre")).to_contain_text("Dear IT Elmegaard (sample)")
        expect(page.frame_locator("iframe").locator("h1")).to_contain_text("6.0.0")
        assert page.locator("iframe").get_attribute("sandbox") == ""
        digest = operator("show", CUSTOMER, NOTICE).envelope["data"]["sha256"]
        expect(page.locator(".approve .hash")).to_have_text(digest)
        expect(page.locator(".approve")).to_contain_text("another person than the drafter")
        page.get_by_role("link", name="Show the message to Anna").click()
        expect(page.locator(".text pre")).to_contain_text("Kære Anna")
        assert page.locator(".text pre").get_attribute("lang") == "da"


def test_axe_finds_nothing_in_light_dark_phone_width_and_on_a_small_screen(operator: Operator, browser: Browser
                                                                          ) -> None:
    with preview(operator, *key_of(operator)) as address, opened(browser, address) as page:
        assert violations(page) == []
        open_draft(page)
        for colours in ("light", "dark"):
            page.locator(f"#{colours}").check(force=True)
            for width in ("full", "phone"):
                page.locator(f"#{width}").check(force=True)
                assert violations(page) == [], (colours, width)
        page.set_viewport_size({"width": 390, "height": 844})
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, "nothing hangs over"


def test_dark_and_phone_width_reach_the_message(operator: Operator, browser: Browser) -> None:
    with preview(operator) as address, opened(browser, address) as page:
        open_draft(page)
        heading = page.frame_locator("iframe").locator("h1")
        page.locator("#light").check(force=True)
        light = heading.evaluate("one => getComputedStyle(one).color")
        page.locator("#dark").check(force=True)
        expect(heading).not_to_have_css("color", light)
        page.locator("#phone").check(force=True)
        expect(page.locator("iframe")).to_have_css("width", "392px")


def test_approved_by_the_keyboard_alone(operator: Operator, browser: Browser) -> None:
    with preview(operator, *key_of(operator)) as address, opened(browser, address) as page:
        tab_to(page, f"a[href$='{CUSTOMER}/{NOTICE}']")
        page.keyboard.press("Enter")
        expect(page.locator("iframe")).to_be_visible()
        tab_to(page, "#full")
        page.keyboard.press("ArrowRight")
        expect(page.locator("#phone")).to_be_checked()
        tab_to(page, "button")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("approved by anna@vendor.example")
        expect(page.locator("#said")).to_be_focused()
        assert violations(page) == []
        expect(page.locator("button")).to_have_count(0)
    assert operator.kinds()[-1] == "notice.approved"
    operator.settings(approvals={"allowed_signers": "allowed_signers"})
    assert {row["customer"]: row["state"] for row in operator("list").envelope["data"]["notices"]} == {
        CUSTOMER: "approved", "sample-dalmose": "prepared"}


def test_only_what_was_read_is_signed(operator: Operator, browser: Browser) -> None:
    with preview(operator, *key_of(operator)) as address, opened(browser, address) as page:
        open_draft(page)
        operator.edit(PROFILE, SECOND, "")
        assert operator.draft().code == 0
        page.get_by_role("button").click()
        expect(page.get_by_role("alert")).to_contain_text("is not the draft that was read; nothing was signed")
        expect(page.locator(".facts")).to_contain_text("revision 3")
    assert "notice.approved" not in operator.kinds()


@pytest.mark.parametrize("key", ["drafter", "stranger"])
def test_who_may_not_approve_may_not_here(operator: Operator, browser: Browser, key: str) -> None:
    with preview(operator, *key_of(operator, key)) as address, opened(browser, address) as page:
        open_draft(page)
        page.get_by_role("button").click()
        expect(page.get_by_role("alert")).to_contain_text("Not approved")
        assert violations(page) == []
    assert "notice.approved" not in operator.kinds()


def test_a_draft_that_does_not_hold_says_why_and_has_no_button(operator: Operator, browser: Browser) -> None:
    with preview(operator, CUSTOMER, *key_of(operator)) as address, opened(browser, address) as page:
        expect(page.locator("nav a")).to_have_count(1)
        operator.edit("templates/notices/brand.yml", "+45 00 00 00 00", "+45 00 00 00 01")
        open_draft(page)
        expect(page.locator(".approve")).to_contain_text("It cannot be approved")
        expect(page.locator("button")).to_have_count(0)
        message = operator.folder / "drafts" / CUSTOMER / NOTICE / "2" / "message.html"
        message.write_text("<h1>Somebody else wrote this</h1>", encoding="utf-8")
        page.reload()
        expect(page.locator("h1")).to_have_text("This cannot be shown")
        expect(page.get_by_role("alert")).to_contain_text("has been altered")
        assert violations(page) == []


def test_without_a_key_it_only_shows(operator: Operator, browser: Browser) -> None:
    with preview(operator) as address, opened(browser, address) as page:
        open_draft(page)
        expect(page.locator(".approve")).to_contain_text("This preview has no key")
        expect(page.locator("button")).to_have_count(0)


def test_a_key_that_is_none_starts_no_page(operator: Operator) -> None:
    answer = operator("preview", "--key", str(operator.folder / "opsctl.yml"))
    assert answer.code == 3 and "is no key" in answer.stdout


def test_a_missing_browser_fails_where_nothing_may_be_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for nothing_left_out, outcome in (("1", pytest.fail.Exception), ("", pytest.skip.Exception)):
        monkeypatch.setenv("OPSCTL_NOTHING_LEFT_OUT", nothing_left_out)
        with pytest.raises(outcome, match="not exercised: no Chromium"), chromium():
            pass


def test_terminating_ends_it_too(operator: Operator) -> None:
    child = operator.start("notice", "preview")
    assert child.stderr is not None
    next(line for line in child.stderr if "http://" in line)
    child.send_signal(signal.SIGTERM)
    assert child.wait(60) == 0
    child.communicate()


def test_what_goes_with_a_message_can_be_read(operator: Operator, browser: Browser) -> None:
    with preview(operator) as address, opened(browser, address) as page:
        open_draft(page)
        attached = page.locator("details", has_text="Attached:")
        expect(attached).to_have_count(1)
        attached.locator("summary").click()
        expect(attached.locator("pre")).to_contain_text('"csaf_version": "2.0"')
        assert violations(page) == []
