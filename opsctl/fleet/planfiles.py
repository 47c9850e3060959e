"""Plan files: written for people and approval, read back only when they are as they were written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from opsctl.core.errors import ConfigurationError, OperationFailed
from opsctl.installs.model import ReleasePlan
from opsctl.installs.model import plan_from as release_plan
from opsctl.maintenance.model import PatchPlan
from opsctl.maintenance.model import plan_from as patch_plan
from opsctl.runs.approval import ask
from opsctl.runs.workplace import Workplace

Plan = PatchPlan | ReleasePlan


def kind_of(plan: Plan) -> str:
    """`patch` or `release`."""
    return "patch" if isinstance(plan, PatchPlan) else "release"


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
        if kind not in {"patch", "release"}:
            raise ValueError(kind)
        found: Plan = patch_plan(document) if kind == "patch" else release_plan(document)
        fits = found.hash == written
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise ConfigurationError(f"{path} is not a plan file", "write one with `opsctl patch plan --output` or "
                                 "`opsctl release plan --output`") from None
    if not fits:
        raise ConfigurationError(f"{path} was changed after it was written: its hash does not fit",
                                 "make a new plan with --output")
    return found


def read_patch_plan(path: Path) -> PatchPlan:
    """A plan of patches."""
    found = read_plan(path)
    if not isinstance(found, PatchPlan):
        raise ConfigurationError(f"{path} is a plan to install a release", "apply it with `opsctl release install`")
    return found


def read_release_plan(path: Path) -> ReleasePlan:
    """A plan to install a release."""
    found = read_plan(path)
    if not isinstance(found, ReleasePlan):
        raise ConfigurationError(f"{path} is a plan of patches", "apply it with `opsctl patch apply`")
    return found


def require_sound(plan: Plan) -> None:
    """OperationFailed for a plan that could not be applied anyway: nobody approves it by mistake."""
    if plan.problems:
        raise OperationFailed(f"{plan.customer}: the plan has problems, so there is nothing to approve",
                              "put them right and plan again", plan.problems)
