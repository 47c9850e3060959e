"""A workplace in a test's own folder, with a ledger that is closed afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from opsctl.core.clock import Clock
from opsctl.core.progress import Silent
from opsctl.ledger import open_ledger
from opsctl.profiles.settings import Settings
from opsctl.runs.workplace import Workplace

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = Settings(inventories=ROOT / "inventories", releases=ROOT / "releases", templates=ROOT / "templates")
"""The project's own sample customers, release files and templates."""


@contextmanager
def opened(folder: Path, clock: Clock, settings: Settings, actor: str = "tests") -> Iterator[Workplace]:
    """The workplace; runs, drafts and ledger lie in `folder`."""
    ledger = open_ledger(f"sqlite:///{folder}/ledger.db", clock)
    try:
        yield Workplace(settings, ledger, clock, Silent(), actor, folder / "runs", folder / "drafts")
    finally:
        ledger.close()
