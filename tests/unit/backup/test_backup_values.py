"""Names, manifest and recipients."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from opsctl.adapters.objects.memory import MemoryObjects
from opsctl.backup.manifest import dump, fingerprint, load
from opsctl.backup.naming import Place, id_time, new_id, object_name, parse
from opsctl.backup.recipients import read_recipients
from opsctl.core.errors import ConfigurationError, EvidenceDamaged
from opsctl.profiles.hosted import BackupRecipient
from opsctl.profiles.model import ADAPTER
from tests.unit.backup.made import KEYS, ROOT, bench


def test_ids_sort_by_time_in_utc() -> None:
    first = new_id(datetime(2026, 11, 23, 23, 30, tzinfo=timezone(timedelta(hours=1))))
    second = new_id(datetime(2026, 11, 23, 22, 30, 1, tzinfo=UTC))
    assert first.startswith("20261123T223000Z-")
    assert first < second
    assert id_time(first) == datetime(2026, 11, 23, 22, 30, tzinfo=UTC)


@pytest.mark.parametrize("wrong", ["", "20261123T223000Z", "20261123T223000Z-XYZXYZ", "20261123T223000Z-ab12cd/.."])
def test_other_texts_are_no_ids(wrong: str) -> None:
    with pytest.raises(ValueError):
        id_time(wrong)


def test_keys_are_told_from_foreign_files() -> None:
    place = Place("sample-aalund", "ready", "20261123T021500Z-ab12cd")
    for name in ("manifest.json", "volume-0001.age", "configuration.tar.zst.age"):
        assert parse(place.prefix + name) == (place, name)
    for foreign in ("sample-aalund/notes.txt", place.prefix + "readme", place.prefix + "volume-1.age",
                    "sample-aalund/ready/2026/volume-0001.age", place.prefix + "sub/volume-0001.age"):
        assert parse(foreign) is None
    assert object_name("data", 12) == "volume-0012.age"
    with pytest.raises(ValueError):
        object_name("configuration", 2)


def test_a_manifest_survives_storage(tmp_path: Path) -> None:
    found = bench(tmp_path)
    store = MemoryObjects(found.clock)
    place = found.make(store)
    body = store.get(place.manifest)
    manifest = load(body, "here")
    assert dump(manifest) == body
    assert fingerprint(body) == fingerprint(dump(manifest))
    assert (manifest.size, len(manifest.of("data")[0].parts), manifest.of("configuration")) == (100, 3, ())


@pytest.mark.parametrize("change", [(b'"size":40', b'"size":41'), (b'"schema_version": 1', b'"schema_version": 2'),
                                    (b'"host": "aalund-1"', b'"host": "aalund-1", "extra": "hunter2"'), (b"{", b"")])
def test_a_broken_manifest_is_refused_without_its_values(tmp_path: Path, change: tuple[bytes, bytes]) -> None:
    found = bench(tmp_path)
    store = MemoryObjects(found.clock)
    body = store.get(found.make(store).manifest)
    broken = body.replace(b'"size": 40', b'"size":40').replace(*change, 1)
    assert broken != body
    with pytest.raises(EvidenceDamaged) as error:
        load(broken, "customer/ready/id/manifest.json")
    assert "customer/ready/id/manifest.json" in error.value.message
    assert "hunter2" not in str(error.value.details)


def _recipient(key: str, kept: str = "online") -> BackupRecipient:
    return BackupRecipient.model_validate({"key": key, "kept": kept})


def test_recipients_come_from_files_beside_the_profile(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "online.pub").write_text(f"# online\n{KEYS[0].key}\n")
    found = read_recipients([_recipient("file:keys/online.pub"), _recipient(KEYS[1].key, "offline")], tmp_path)
    assert found == KEYS


def test_wrong_recipients_are_named(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("AGE-SECRET-" + "KEY-1QQQ\n")
    for key in ("file:missing.pub", "file:secret"):
        with pytest.raises(ConfigurationError) as error:
            read_recipients([_recipient(key)], tmp_path)
        assert "AGE-SECRET" not in str(error.value)
        assert key.removeprefix("file:") in error.value.message
    with pytest.raises(ConfigurationError):
        read_recipients([_recipient(KEYS[0].key), _recipient(KEYS[0].key, "offline")], tmp_path)


def _two_databases(first: dict[str, str], second: dict[str, str]) -> dict[str, Any]:
    raw = yaml.safe_load((ROOT / "inventories/sample-aalund/profile.yml").read_text())
    base = {"engine": "postgresql", "host": "aalund-1"}
    return {**raw, "databases": [{"name": "ready", **base, **first}, {"name": "reports", **base, **second}]}


def test_one_server_is_not_copied_twice_a_night() -> None:
    """A physical backup holds the whole cluster: the second database of it is a mistake of the profile."""
    with pytest.raises(ValidationError, match="one physical backup holds all of it"):
        ADAPTER.validate_python(_two_databases({}, {}))
    for first, second in (({}, {"cluster": "other"}), ({}, {"method": "logical"}),
                          ({"method": "logical"}, {"method": "logical"})):
        ADAPTER.validate_python(_two_databases(first, second))
