"""Holding a lease while work goes on: a thread renews it, and says when it is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING

from opsctl.core.errors import Locked, OpsctlError
from opsctl.ledger.model import HeldLease, Renewal

if TYPE_CHECKING:
    from opsctl.ledger.store import Ledger


@contextmanager
def held(ledger: Ledger, name: str, owner: str, seconds: float) -> Iterator[HeldLease]:
    """Acquire `name`, renew it at a third of `seconds` while the block runs, release it at the end.

    Raises Locked at once when another owner holds it. When it is lost on the way, the value's `lost` turns
    true and appends under it are refused; the block itself is not interrupted.
    """
    # Counted from before the request: the database may have started the lease's time any moment after.
    asked = time.monotonic()
    lease = HeldLease(**asdict(ledger.acquire(name, owner, seconds)), renewal=Renewal(asked + seconds))
    stop = threading.Event()
    thread = threading.Thread(target=_renew, args=(ledger, lease, stop), daemon=True, name=f"lease {name}")
    thread.start()
    try:
        yield lease
    finally:
        stop.set()
        thread.join()
        # A database that cannot be reached now frees the lease by itself when its time is over.
        with suppress(OpsctlError):
            ledger.release(lease)


def _renew(ledger: Ledger, lease: HeldLease, stop: threading.Event) -> None:
    """Renew until stopped or lost. A database that does not answer is asked again while time is left."""
    while not stop.wait(lease.seconds / 3):
        asked = time.monotonic()
        try:
            ledger.renew(lease)
        except Locked:
            lease.renewal.lost = True
        except OpsctlError:
            # Once lost stays lost, even if a later renewal would succeed.
            lease.renewal.lost = lease.lost
        else:
            lease.renewal.good_until = asked + lease.seconds
        if lease.renewal.lost:
            return
