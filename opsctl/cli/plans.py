"""Plan files as the commands write them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.cli.files import write

if TYPE_CHECKING:
    from opsctl.fleet.planfiles import Plan
    from opsctl.runs.workplace import Workplace


def written(place: Workplace, plan: Plan, folder: Path) -> Path:
    """Write the plan into `folder` and record who asked for it, so that it can be approved."""
    from opsctl.fleet.planfiles import name_of, request_approval, text_of

    path = folder / name_of(plan)
    write(path, text_of(plan).encode())
    request_approval(place, plan)
    return path
