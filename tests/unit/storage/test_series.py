"""The generator is what it says: the same each time, and each kind has the future it is named for."""

import pytest

from tests.unit.storage.series import KINDS, LENGTH, disk

FILLS = {"slow leak", "leak from some day", "leak under a night batch", "leak under log rotation", "missing days",
         "outage of the measurement"}


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_seed_gives_one_series(kind: str) -> None:
    assert disk(kind, 3) == disk(kind, 3)
    assert disk(kind, 3) != disk(kind, 4)


@pytest.mark.parametrize("kind", list(KINDS))
def test_its_future_is_the_kind_s(kind: str) -> None:
    for seed in range(20):
        made = disk(kind, seed)
        assert (made.fills_on(0) is not None) == (kind in FILLS), seed
        assert len(made.used) == len(made.size) == len(made.measured) == LENGTH
