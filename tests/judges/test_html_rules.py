"""html-validate finds nothing wrong with the HTML of any notice, by its own rules but for those of html-rules.json.

What that file leaves out, and why: attributes of tables such as align and width are deprecated, and mail readers need
them; `role="article"` stands on a div, because many readers do not know the element. What it adds: elements that fetch,
act or ask for input are refused.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.judges.mails import Mail
from tests.judges.programs import node

pytestmark = pytest.mark.slow


def test_the_html_of_each_notice_is_valid_and_accessible(mails: list[Mail]) -> None:
    found = node("html.mjs", [mail.folder / "message.html" for mail in mails])
    assert {mail.name: said for mail, said in zip(mails, found, strict=True) if said} == {}


def test_links_lead_out_of_the_mail_alone(mails: list[Mail]) -> None:
    for mail in mails:
        html = (mail.folder / "message.html").read_text(encoding="utf-8")
        links = re.findall(r'href="([^"]*)"', html)
        assert links and all(re.match(r"https://|mailto:|tel:\+", link) for link in links), mail.name
        assert not re.search(r"\ssrc=|url\(|@import", html), "nothing is fetched"


def test_the_judge_refuses_what_it_is_to_refuse(tmp_path: Path) -> None:
    path = tmp_path / "bad.html"
    path.write_text('<!DOCTYPE html><html lang="en"><head><title>x</title></head><body><h1>x</h1><h3>y</h3>'
                    '<script src="x.js"></script><img src="x.png"><a href="x"></a></body></html>', encoding="utf-8")
    [said] = node("html.mjs", [path])
    rules = {line.split()[1].rstrip(":") for line in said}
    assert {"element-name", "heading-level", "wcag/h37", "wcag/h30"} <= rules
