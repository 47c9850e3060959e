"""Profiles found and loaded from the inventories folder, settings from `opsctl.yml`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter

from opsctl.core.errors import ConfigurationError, OpsctlError
from opsctl.core.text import printable
from opsctl.profiles.document import Problem, configuration_error, read_document
from opsctl.profiles.model import ADAPTER, Profile
from opsctl.profiles.places import PROFILE, customer_folders, settings_path
from opsctl.profiles.settings import ApprovalSettings, Settings, SshSettings
from opsctl.profiles.validation import validate_document, validated

_NAME = re.compile(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")
_SETTINGS: TypeAdapter[Settings] = TypeAdapter(Settings)


def customer_names(inventories: Path) -> tuple[str, ...]:
    """The customers: folders of `inventories` that hold a profile, sorted; also those whose profile is broken."""
    return customer_folders(inventories)


def load_profile(inventories: Path, customer: str) -> Profile:
    """The validated profile of `customer`; ConfigurationError (exit 3) with every problem at once."""
    if not _NAME.match(customer):
        raise ConfigurationError("a customer's name is made of small letters, digits and single hyphens",
                                 "see `opsctl customers list` for the names; rename a folder of another name")
    if not os.path.lexists(inventories / customer / PROFILE) and customer not in customer_names(inventories):
        raise ConfigurationError(f"there is no customer {customer} in {inventories}",
                                 "see `opsctl customers list` for the names")
    document = read_document(inventories / customer / PROFILE, inventories)
    profile = validate_document(ADAPTER, document)
    if profile.customer != customer:
        raise configuration_error(document.file, [Problem(
            document.position(("customer",)), ("customer",), f"must be the folder's name, {customer}")])
    return profile


def load_profiles(inventories: Path) -> tuple[tuple[Profile, ...], Mapping[str, OpsctlError]]:
    """All profiles that are sound, and by customer the errors of the others: one bad profile hides no other."""
    profiles: list[Profile] = []
    errors: dict[str, OpsctlError] = {}
    for name in customer_names(inventories):
        try:
            profiles.append(load_profile(inventories, name))
        except OpsctlError as error:
            errors[printable(name)] = error
    return tuple(profiles), errors


def load_settings(option: Path | None, working_folder: Path) -> Settings:
    """The operator's settings with absolute paths; without a file, defaults beside `working_folder`."""
    path = settings_path(option)
    if path is None:
        return _absolute(Settings(), working_folder)
    path = path.absolute()
    return _absolute(validated(_SETTINGS, path, path.parent), path.parent)


def _absolute(settings: Settings, folder: Path) -> Settings:
    def fixed(path: Path) -> Path:
        return folder / path.expanduser()

    ssh, smtp, approvals = settings.ssh, settings.smtp, settings.approvals
    outputs = settings.outputs
    return settings.model_copy(update={
        "inventories": fixed(settings.inventories), "releases": fixed(settings.releases),
        "templates": fixed(settings.templates), "playbooks": fixed(settings.playbooks),
        "runs": fixed(settings.runs) if settings.runs else None,
        "drafts": fixed(settings.drafts) if settings.drafts else None,
        "ssh": SshSettings(identity=fixed(ssh.identity), connect_seconds=ssh.connect_seconds) if ssh else None,
        "smtp": smtp.model_copy(update={"ca_file": fixed(smtp.ca_file)}) if smtp and smtp.ca_file else smtp,
        "authorities": {name: one.model_copy(update={"certificate": fixed(one.certificate)})
                        for name, one in settings.authorities.items()},
        "acme": {name: one.model_copy(update={"ca_file": fixed(one.ca_file) if one.ca_file else None})
                 for name, one in settings.acme.items()},
        "approvals": ApprovalSettings(allowed_signers=fixed(approvals.allowed_signers)) if approvals else None,
        "outputs": outputs.model_copy(update={"metrics": fixed(outputs.metrics) if outputs.metrics else None}),
    })
