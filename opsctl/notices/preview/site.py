"""The preview's addresses: the list, a draft, a message on its own, and the form that approves."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from opsctl.adapters.loopback import Answer, Asked
from opsctl.contract.services import PRODUCT
from opsctl.core.errors import OpsctlError, UsageError
from opsctl.core.outcome import Outcome
from opsctl.notices.approval import approve
from opsctl.notices.preview import views
from opsctl.notices.preview.profiles import Profiles
from opsctl.profiles.model import Profile
from opsctl.releases.catalogue import load
from opsctl.runs.workplace import Workplace

_HERE = Path(__file__).parent
MESSAGE_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
"""A message is shown as a mail reader would: without scripts, forms and anything from elsewhere."""


class PreviewSite:
    """Answers one operator. key: theirs and its fingerprint, None to only look."""

    def __init__(self, workplace: Workplace, profiles: Profiles, key: tuple[Path, str] | None) -> None:
        self._workplace = workplace
        self._profiles = profiles
        self._key = key
        self._said: dict[tuple[str, str], Outcome | OpsctlError] = {}
        self._pages = Environment(loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined,
                                  trim_blocks=True, lstrip_blocks=True)

    def __call__(self, asked: Asked) -> Answer:
        """The answer to a request; what cannot be shown is a page that says why."""
        try:
            if asked.form is not None:
                return self._approve(asked.form) if asked.path == "approve" else self._missing(asked)
            return self._looked(asked)
        except OpsctlError as error:
            return self._page("problem.html.j2", asked, HTTPStatus.CONFLICT, said=error)

    def _looked(self, asked: Asked) -> Answer:
        match asked.path.split("/"):
            case [""]:
                return self._page("list.html.j2", asked)
            case ["style.css"]:
                return Answer((_HERE / "style.css").read_bytes(), "text/css; charset=utf-8")
            case ["draft", customer, notice]:
                return self._draft(asked, customer, notice)
            case ["message", customer, notice, number]:
                return self._message(customer, notice, number)
            case _:
                return self._missing(asked)

    def _draft(self, asked: Asked, customer: str, notice: str) -> Answer:
        number = _number(asked.query.get("to", ""))
        page = views.page(self._workplace, self._profile(customer), notice, number, self._key)
        return self._page("draft.html.j2", asked, page=page, said=self._said.pop((customer, notice), None))

    def _message(self, customer: str, notice: str, number: str) -> Answer:
        content = views.message(self._workplace, self._profile(customer), notice, _number(number))
        return Answer(content, policy=MESSAGE_POLICY)

    def _approve(self, form: Mapping[str, str]) -> Answer:
        """Sign what the page showed, as `opsctl notice approve` does; the page then tells how it went."""
        customer, notice, read = (form.get(name, "") for name in ("customer", "notice", "sha256"))
        profile = self._profile(customer)
        if self._key is None or not read:
            raise UsageError("this preview was started without a key, so it approves nothing",
                             "end it and start it with --key FILE")
        try:
            self._said[customer, notice] = approve(self._workplace, profile, notice, self._key[0],
                                                   releases=load(self._workplace.settings.releases), read=read)
        except OpsctlError as error:
            self._said[customer, notice] = error
        return Answer(status=HTTPStatus.SEE_OTHER, location=f"draft/{quote(customer)}/{quote(notice)}")

    def _profile(self, customer: str) -> Profile:
        profile = self._profiles.one(customer)
        if profile is None:
            raise UsageError(f"there is no customer {customer} in this preview, or its profile is broken",
                             "see `opsctl profile validate`")
        return profile

    def _missing(self, asked: Asked) -> Answer:
        return self._page("problem.html.j2", asked, HTTPStatus.NOT_FOUND, said=UsageError(
            "there is no such page", "go back to the list"))

    def _page(self, template: str, asked: Asked, status: HTTPStatus = HTTPStatus.OK, **values: object) -> Answer:
        # Links are relative to the site's root, whose first part is secret.
        root = "../" * asked.path.count("/") or "./"
        cards = views.cards(self._workplace, self._profiles())
        body = self._pages.get_template(template).render(
            {"said": None, **values}, product=PRODUCT, root=root, key=asked.key, here=asked.path, cards=cards,
            groups=[(name, tuple(group)) for name, group in groupby(cards, lambda card: card.name)])
        return Answer(body.encode(), status=status)


def _number(text: str) -> int:
    """A recipient's number; the first for anything else."""
    return int(text) if re.fullmatch("[0-9]{1,4}", text) else 1
