"""The append-only evidence store. Importing this loads no database library until a ledger is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opsctl.ledger.holding import held
from opsctl.ledger.model import (
    GENESIS,
    JSON,
    Checkpoint,
    Entry,
    Finding,
    FindingKind,
    HeldLease,
    Latest,
    Lease,
    Subject,
    Verdict,
    Verification,
)

if TYPE_CHECKING:
    from opsctl.ledger.export import verify_export
    from opsctl.ledger.opening import exists, open_ledger, upgrade_ledger
    from opsctl.ledger.store import Ledger

_LAZY = {"Ledger": "store", "exists": "opening", "open_ledger": "opening", "upgrade_ledger": "opening",
         "verify_export": "export"}

__all__ = ["GENESIS", "JSON", "Checkpoint", "Entry", "Finding", "FindingKind", "HeldLease", "Latest", "Lease",
           "Ledger", "Subject", "Verdict", "Verification", "exists", "held", "open_ledger", "upgrade_ledger",
           "verify_export"]


def __getattr__(name: str) -> Any:
    """Load what needs SQLAlchemy (a sixth of a second) only when it is asked for (PEP 562)."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
