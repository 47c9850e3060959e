"""The catalogue of playbooks: what opsctl may run on hosts, and which text exactly it ran (P06)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opsctl.core.errors import ConfigurationError, UsageError

_NAME = re.compile(r"^[a-z][a-z0-9_]*$")


@dataclass(frozen=True)
class Operation:
    """One playbook and the command that uses it.

    units: its long work runs in transient units `opsctl-RUN*` on the hosts, which are stopped when the run is.
    changes: False for playbooks that only read.
    """

    command: str
    playbook: str
    changes: bool
    units: bool = False


PATCH_PLAN = Operation("patch plan", "patch_plan", changes=False)
PATCH_APPLY = Operation("patch apply", "platform_patch", changes=True, units=True)
STORAGE_CHECK = Operation("storage check", "storage_check", changes=False)
BACKUP_SURVEY = Operation("backup run", "backup_survey", changes=False)
BACKUP_PREPARE = Operation("backup run", "backup", changes=True, units=True)
READY_SURVEY = Operation("release plan", "ready_survey", changes=False)
READY_UPDATE = Operation("release install", "ready_update", changes=True, units=True)
READY_ROLLBACK = Operation("release rollback", "ready_rollback", changes=True, units=True)
UPGRADE_SURVEY = Operation("upgrade plan", "upgrade_survey", changes=False)
READY_SERVICE = Operation("upgrade apply", "ready_service", changes=True)
OS_UPGRADE = Operation("upgrade apply", "os_upgrade", changes=True, units=True)
POSTGRESQL_UPGRADE = Operation("upgrade apply", "postgresql_upgrade", changes=True, units=True)
POSTGRESQL_ROLLBACK = Operation("upgrade rollback", "postgresql_rollback", changes=True, units=True)
POSTGRESQL_FINISH = Operation("upgrade finish", "postgresql_finish", changes=True, units=True)
API_TOKEN = Operation("api rotate", "api_token", changes=True)
CERTIFICATE_RENEWAL = Operation("network renew", "certificate_renewal", changes=True)
READY_MODULE = Operation("module enable", "ready_module", changes=True)
LICENCE_INVENTORY = Operation("licence check", "licence_inventory", changes=False)

OPERATIONS: tuple[Operation, ...] = (PATCH_PLAN, PATCH_APPLY, STORAGE_CHECK, BACKUP_SURVEY,
                                     BACKUP_PREPARE, API_TOKEN,
                                     CERTIFICATE_RENEWAL,
                                     LICENCE_INVENTORY, READY_SURVEY,
                                     READY_UPDATE, READY_ROLLBACK, UPGRADE_SURVEY, READY_SERVICE, OS_UPGRADE,
                                     POSTGRESQL_UPGRADE, POSTGRESQL_ROLLBACK, POSTGRESQL_FINISH, READY_MODULE)
"""Every operation; a test holds this table and the playbooks folder to each other."""


def playbook_file(playbooks: Path, name: str) -> Path:
    """The file of the catalogued playbook `name`, directly in `playbooks`; UsageError for anything else."""
    if not _NAME.match(name):
        raise UsageError(f"{name!r} is not the name of a playbook in the catalogue",
                         "only playbooks in the catalogue run (P06); give its name without path and ending")
    file = playbooks / f"{name}.yml"
    if not file.is_file() or file.resolve().parent != playbooks.resolve():
        raise ConfigurationError(f"the catalogue {playbooks} has no playbook {name}",
                                 "name the folder under `playbooks` in opsctl.yml; only files directly in it run (P06)")
    return file


def revision(playbooks: Path, name: str) -> str:
    """sha256 over the playbook, the roles it uses, and our modules: the text that ran, not a version number."""
    files = sorted(_files(playbooks, playbook_file(playbooks, name)))
    digest = hashlib.sha256()
    for file in files:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(playbooks)}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def roles_of(playbooks: Path, name: str) -> tuple[str, ...]:
    """The roles that the playbook lists, with those they depend on, each once."""
    found: list[str] = []
    plays = _yaml(playbook_file(playbooks, name))
    if not isinstance(plays, list) or not all(isinstance(play, Mapping) for play in plays):
        raise ConfigurationError(f"the playbook {name} is not a list of plays", "correct it; `ansible-lint` says where")
    for play in plays:
        _collect(playbooks, play.get("roles") or [], found)
    return tuple(found)


def _collect(playbooks: Path, entries: list[Any], found: list[str]) -> None:
    for entry in entries:
        role = entry if isinstance(entry, str) else entry.get("role") or entry.get("name")
        if role is None or role in found:
            continue
        found.append(role)
        meta = playbooks / "roles" / role / "meta" / "main.yml"
        if meta.is_file():
            content: Mapping[str, Any] = _yaml(meta) or {}
            _collect(playbooks, content.get("dependencies") or [], found)


def _files(playbooks: Path, playbook: Path) -> Iterator[Path]:
    yield playbook
    folders = [playbooks / "library", playbooks / "module_utils"]
    folders += [playbooks / "roles" / role for role in roles_of(playbooks, playbook.stem)]
    if (playbooks / "ansible.cfg").is_file():
        yield playbooks / "ansible.cfg"
    for folder in folders:
        yield from (file for file in folder.rglob("*")
                    if file.is_file() and "__pycache__" not in file.parts and file.name != "README.md")


def _yaml(file: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{file} is not valid YAML: {' '.join(str(error).split())}",
                                 "correct it; `ansible-lint` says where") from None
