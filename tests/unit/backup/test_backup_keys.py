"""Which recipient opens which backup."""

from __future__ import annotations

from pathlib import Path

from opsctl.adapters.objects.memory import MemoryObjects
from opsctl.backup.catalog import catalog
from opsctl.backup.keys import uses
from opsctl.backup.manifest import KeyEntry
from tests.unit.backup.made import KEYS, bench


def test_a_key_that_left_the_profile_is_shown_while_it_opens_something(tmp_path: Path) -> None:
    found = bench(tmp_path)
    store = MemoryObjects(found.clock)
    ids = sorted(found.make(store).backup_id for _ in range(2))
    new = KeyEntry(key="age1" + "x" * 58, kept="online")
    told = {one.key: one for one in uses((new, KEYS[1]), catalog(found.workplace, found.profile, store=store))}
    assert (told[new.key].backups, told[new.key].in_profile) == (0, True)
    assert (told[KEYS[1].key].backups, told[KEYS[1].key].in_profile) == (2, True)
    gone = told[KEYS[0].key]
    assert (gone.in_profile, gone.backups, gone.oldest, gone.newest) == (False, 2, ids[0], ids[1])
