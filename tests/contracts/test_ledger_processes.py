"""Many processes and one chain, on SQLite and on a real PostgreSQL; a writer that is killed."""

from __future__ import annotations

import time

from opsctl.core.clock import SystemClock
from opsctl.ledger import open_ledger
from tests.unit.ledger.databases import start_python

WRITERS, EACH = 8, 500
WRITER = """
import sys
from opsctl.core.clock import SystemClock
from opsctl.ledger import open_ledger
ledger = open_ledger(sys.argv[1], SystemClock())
for number in range(int(sys.argv[3])):
    entry = ledger.append("aalund", "written", {"writer": sys.argv[2], "number": number}, actor="test")
    print(entry.sequence, flush=True)
"""


def test_eight_writers_make_one_unbroken_chain(ledger_url: str) -> None:
    """All start on a database that does not exist yet, so its creation is contended as well."""
    writers = [start_python(WRITER, ledger_url, str(number), str(EACH)) for number in range(WRITERS)]
    written = [writer.communicate(timeout=300) for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * WRITERS, [errors for _, errors in written]
    ledger = open_ledger(ledger_url, SystemClock())
    result = ledger.verify()
    assert result.sound and result.chains == {"aalund": WRITERS * EACH}
    for number, (output, _) in enumerate(written):
        mine = [entry for entry in ledger.entries("aalund") if entry.payload["writer"] == str(number)]
        assert [entry.payload["number"] for entry in mine] == list(range(EACH))
        assert [entry.sequence for entry in mine] == [int(line) for line in output.split()]
    ledger.close()


def test_a_killed_writer_leaves_a_sound_chain_with_all_it_was_told(ledger_url: str) -> None:
    ledger = open_ledger(ledger_url, SystemClock())
    for round_number in range(5):
        writer = start_python(WRITER, ledger_url, str(round_number), "1000000")
        assert writer.stdout is not None
        told = int(writer.stdout.readline())
        time.sleep(0.05 + 0.013 * round_number)
        writer.kill()
        output, _ = writer.communicate(timeout=60)
        assert writer.returncode == -9
        # A last line may be cut; every whole one is a promise that the entry is durable.
        told = max([told, *(int(line) for line in output.splitlines()[:-1])])
        # On PostgreSQL the killed writer's server process may still be finishing its last transaction.
        entry = ledger.append("aalund", "after the kill", {}, actor="test")
        assert entry.sequence > told
        assert ledger.verify().sound
    ledger.close()
