"""What a service needs of its surroundings, handed in as one value."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.core.clock import Clock
from opsctl.core.ending import Ending
from opsctl.core.progress import Progress
from opsctl.profiles.settings import Settings

if TYPE_CHECKING:
    from opsctl.ledger import Ledger


@dataclass(frozen=True)
class Workplace:
    """Settings with absolute paths, the ledger, the clock, where progress goes, and who acts."""

    settings: Settings
    ledger: Ledger
    clock: Clock
    progress: Progress
    actor: str
    runs: Path
    drafts: Path
    ending: Ending = field(default_factory=Ending)
    """Asked by work in threads, which Ctrl-C does not reach."""

    def customer_folder(self, customer: str) -> Path:
        """The folder with the customer's profile, known_hosts, group_vars and keys."""
        return self.settings.inventories / customer

    def known_hosts(self, customer: str) -> Path:
        """The customer's known host keys; checked strictly."""
        return self.customer_folder(customer) / "known_hosts"
