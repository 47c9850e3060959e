"""Profiles written by opsctl: valid before they are put in place, in one step, never over another one."""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from opsctl.contract.services import Hosting
from opsctl.core.errors import ConfigurationError, OperationFailed, UsageError
from opsctl.profiles.document import read_document
from opsctl.profiles.loader import load_profile
from opsctl.profiles.model import ADAPTER, KamstrupProfile, Profile
from opsctl.profiles.parts import IDENTIFIER, EarlierTerms
from opsctl.profiles.places import PROFILE
from opsctl.profiles.validation import validate_document

HEADER = "# yaml-language-server: $schema=../profile.schema.json\n"
LONGEST_NAME = 48
_FORMER = "profile-until-{day}.yml"


def profile_text(document: Mapping[str, Any], note: str = "") -> str:
    """The document as YAML with the schema's line for editors, and `note` as a comment."""
    import yaml

    class Indented(yaml.SafeDumper):
        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, False)

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def quoted(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return dumper.represent_scalar("tag:yaml.org,2002:timestamp", text)
        # 00:30 without quotes is a number to many YAML readers, and our own refuses it.
        style = '"' if re.fullmatch(r"[0-9:_.]+", text) and ":" in text else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)

    Indented.add_representer(str, quoted)
    body = yaml.dump(dict(document), Dumper=Indented, sort_keys=False, allow_unicode=True, width=110)
    return HEADER + "".join(f"# {line}\n" for line in note.splitlines()) + body


def validated_text(customer: str, text: str) -> Profile:
    """The profile that `text` is; ConfigurationError with every problem at once, by line of `text`."""
    if not re.fullmatch(IDENTIFIER, customer) or len(customer) > LONGEST_NAME:
        # Before anything is written: the name becomes a folder's.
        raise UsageError(f"{customer[:60]!r} cannot be a customer's name",
                         f"it is made of small letters, digits and single hyphens, {LONGEST_NAME} at most")
    with tempfile.TemporaryDirectory(prefix="opsctl-profile-") as name:
        folder = Path(name)
        (folder / customer).mkdir()
        (folder / customer / PROFILE).write_text(text, encoding="utf-8")
        try:
            return load_profile(folder, customer)
        except ConfigurationError as error:
            if not error.details:
                raise
            # Where the text was tried is nobody's concern; which line of it is wrong is.
            details = tuple(re.sub(rf"^\S*{re.escape(PROFILE)}:", f"{PROFILE}:", line) for line in error.details)
            raise ConfigurationError(f"{customer}: this makes no valid profile", "correct what is named; nothing was "
                                     "written", details) from None


def create(inventories: Path, customer: str, text: str) -> Path:
    """Put a new profile in place; UsageError when there is one, whoever was first."""
    folder = inventories / customer
    target = folder / PROFILE
    try:
        folder.mkdir(exist_ok=True)
        beside = _beside(target, text)
        try:
            # A link, unlike a rename, never replaces what is there.
            os.link(beside, target)
        finally:
            beside.unlink()
    except FileExistsError:
        raise UsageError(f"{customer} has a profile already: {target}",
                         "choose another name, or edit that profile; nothing was changed") from None
    except OSError as error:
        raise _unwritable(target, error) from None
    return target


def supersede(inventories: Path, customer: str, text: str, until: date) -> Path:
    """Replace the profile in one step and keep the old one whole beside it; returns where the old one is.

    UsageError when another old profile is kept for the same day.
    """
    target = inventories / customer / PROFILE
    kept = former_path(inventories, customer, until)
    try:
        old = target.read_bytes()
        if kept.exists() and kept.read_bytes() != old:
            raise UsageError(f"{kept} is there already with other content", "see what it is; nothing was changed")
        if not kept.exists():
            _beside(kept, old.decode()).replace(kept)
        _beside(target, text).replace(target)
    except OSError as error:
        raise _unwritable(target, error) from None
    return kept


def former_path(inventories: Path, customer: str, until: date) -> Path:
    """Where the profile that held until `until` is kept."""
    return inventories / customer / _FORMER.format(day=until.isoformat())


def former_hosted(inventories: Path, present: Profile) -> KamstrupProfile | None:
    """The newest kept profile of a system that Kamstrup hosted before; its backups stay in custody.

    Hosts and store are those of then; the contract at any instant is the one that `present` knows.
    """
    customer = present.customer
    since = EarlierTerms(effective_from=present.hosting_from, hosting=Hosting(present.hosting),
                         agreement=present.agreement, addons=present.addons)
    for path in sorted((inventories / customer).glob(_FORMER.format(day="*")), reverse=True):
        found = validate_document(ADAPTER, read_document(path, inventories))
        if isinstance(found, KamstrupProfile):
            if found.customer != customer:
                raise ConfigurationError(f"{path} is not a profile of {customer}", "put the right file there")
            return found.model_copy(update={"hosting_from": date.max, "earlier": (since, *present.earlier)})
    return None


def _beside(target: Path, text: str) -> Path:
    path = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    return path


def _unwritable(path: Path, error: OSError) -> OperationFailed:
    return OperationFailed(f"{path} cannot be written: {error.strerror}",
                           "give this account the right to write there; nothing was changed")
