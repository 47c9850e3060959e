"""Plan files: written for people and approval, read back only when they are as they were written."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from opsctl.core.errors import ConfigurationError, OperationFailed
from opsctl.installs.model import ReleasePlan
from opsctl.installs.model import plan_from as release_plan
from opsctl.maintenance.model import PatchPlan
from opsctl.maintenance.model import plan_from as patch_plan
from opsctl.runs.approval import ask
from opsctl.runs.workplace import Workplace
from opsctl.upgrades.model import UpgradePlan
from opsctl.upgrades.model import plan_from as upgrade_plan

Plan = PatchPlan | ReleasePlan | UpgradePlan
Wanted = TypeVar("Wanted", PatchPlan, ReleasePlan, UpgradePlan)

KINDS: Mapping[str, tuple[type[Plan], Callable[[Mapping[str, Any]], Plan]]] = {
    "patch": (PatchPlan, patch_plan), "release": (ReleasePlan, release_plan), "upgrade": (UpgradePlan, upgrade_plan)}
WORDS = {"patch": ("a plan of patches", "opsctl patch apply"),
         "release": ("a plan to install a release", "opsctl release install"),
         "upgrade": ("a plan to upgrade the platform", "opsctl upgrade apply")}


def kind_of(plan: Plan) -> str:
    """`patch`, `release` or `upgrade`."""
    return next(kind for kind, (model, _) in KINDS.items() if isinstance(plan, model))


def text_of(plan: Plan) -> str:
    """The content of a plan file."""
    return json.dumps({"kind": kind_of(plan), **plan.document(), "hash": plan.hash}, indent=2) + "\n"


def name_of(plan: Plan) -> str:
    """The name of its file."""
    return f"{kind_of(plan)}-{plan.customer}-{plan.hash[:12]}.json"


def request_approval(workplace: Workplace, plan: Plan) -> None:
    """Record who asked for the plan, so that it can be approved."""
    ask(workplace, plan.customer, plan.hash, kind_of(plan), plan.problems)


def read_plan(path: Path) -> Plan:
    """The plan of a file; ConfigurationError when it is none, or was changed after it was written."""
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        kind, written = document.pop("kind", "patch"), document.pop("hash")
        found: Plan = KINDS[kind][1](document)
        fits = found.hash == written
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ConfigurationError(f"{path} is not a plan file", "write one with --output: `opsctl patch plan`, "
                                 "`opsctl release plan` or `opsctl upgrade plan`") from None
    if not fits:
        raise ConfigurationError(f"{path} was changed after it was written: its hash does not fit",
                                 "make a new plan with --output")
    return found


def read_patch_plan(path: Path) -> PatchPlan:
    """A plan of patches."""
    return _of(path, PatchPlan)


def read_release_plan(path: Path) -> ReleasePlan:
    """A plan to install a release."""
    return _of(path, ReleasePlan)


def read_upgrade_plan(path: Path) -> UpgradePlan:
    """A plan of an upgrade."""
    return _of(path, UpgradePlan)


def _of(path: Path, wanted: type[Wanted]) -> Wanted:
    found = read_plan(path)
    if not isinstance(found, wanted):
        what, command = WORDS[kind_of(found)]
        raise ConfigurationError(f"{path} is {what}", f"apply it with `{command}`")
    return found


def require_sound(plan: Plan) -> None:
    """OperationFailed for a plan that could not be applied anyway: nobody approves it by mistake."""
    if plan.problems:
        raise OperationFailed(f"{plan.customer}: the plan has problems, so there is nothing to approve",
                              "put them right and plan again", plan.problems)
