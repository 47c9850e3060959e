"""Whatever stops a backup between its first part and its manifest, the store is left without it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from opsctl.adapters.objects import Unreachable, UploadedPart
from opsctl.adapters.objects.memory import MemoryObjects
from opsctl.backup.exchange import SentPart
from opsctl.backup.naming import Place
from opsctl.backup.uploads import Sizes, Uploads
from opsctl.core.errors import OperationFailed

PLACE = Place("customer", "ready", "20261123T021500Z-ab12cd")


class Failing(MemoryObjects):
    """Fails where it is told to; `arrives`: does the work first, as when only the answer is lost."""

    def __init__(self, where: str, error: Exception, *, arrives: bool = False) -> None:
        super().__init__()
        self.where, self.error, self.arrives = where, error, arrives
        self.asked: list[str] = []

    def _maybe(self, name: str, act: Callable[[], Any]) -> Any:
        self.asked.append(name)
        if name == self.where:
            if self.arrives:
                act()
            raise self.error
        return act()

    def put(self, key: str, body: bytes) -> None:
        if key.endswith("manifest.json"):
            self._maybe("put", lambda: super(Failing, self).put(key, body))
        else:
            super().put(key, body)

    def parts(self, key: str, upload: str) -> tuple[UploadedPart, ...]:
        found: tuple[UploadedPart, ...] = self._maybe("parts", lambda: super(Failing, self).parts(key, upload))
        return found

    def complete(self, key: str, upload: str, parts: Any) -> None:
        self._maybe("complete", lambda: super(Failing, self).complete(key, upload, parts))

    def abort(self, key: str, upload: str) -> None:
        self._maybe("abort", lambda: super(Failing, self).abort(key, upload))


def part(stream: str, volume: int, number: int, body: bytes) -> SentPart:
    return SentPart(stream, volume, number, len(body), hashlib.md5(body, usedforsecurity=False).hexdigest(),
                    hashlib.sha256(body).hexdigest())


def fill(uploads: Uploads) -> None:
    for stream, volume in (("data", 1), ("data", 2), ("configuration", 1)):
        uploads.stored(part(stream, volume, 1, b"abc"), b"abc")


@pytest.mark.parametrize("arrives", [False, True])
@pytest.mark.parametrize("where", ["parts", "complete", "put"])
def test_a_failure_at_any_step_leaves_nothing(where: str, arrives: bool) -> None:
    store = Failing(where, OperationFailed("no"), arrives=arrives)
    with pytest.raises(OperationFailed), Uploads(store, PLACE, Sizes()) as uploads:
        fill(uploads)
        uploads.complete()
        uploads.publish(b"{}")
    assert store.objects == {}
    assert store.uploads("") == ()


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("bug")])
def test_an_interruption_leaves_nothing(error: BaseException) -> None:
    store = MemoryObjects()
    with pytest.raises(type(error)), Uploads(store, PLACE, Sizes()) as uploads:
        fill(uploads)
        raise error
    assert (store.objects, store.uploads("")) == ({}, ())


def test_a_store_that_does_not_answer_is_asked_once() -> None:
    store = Failing("abort", Unreachable("silence"))
    with pytest.raises(OperationFailed) as caught, Uploads(store, PLACE, Sizes()) as uploads:
        fill(uploads)
        raise OperationFailed("the first reason")
    assert caught.value.message == "the first reason"
    assert store.asked.count("abort") == 1


def test_a_published_backup_stays() -> None:
    store = MemoryObjects()
    with Uploads(store, PLACE, Sizes()) as uploads:
        fill(uploads)
        assert [entry.name for entry in uploads.complete()] == [
            "volume-0001.age", "volume-0002.age", "configuration.tar.zst.age"]
        assert PLACE.manifest not in store.objects
        uploads.publish(b"{}")
    assert len(store.objects) == 4


def test_a_part_that_changed_or_is_missing_is_found() -> None:
    store = MemoryObjects()
    with Uploads(store, PLACE, Sizes()) as uploads, pytest.raises(OperationFailed):
        uploads.stored(part("data", 1, 1, b"abc"), b"abX")
    with Uploads(store, PLACE, Sizes()) as uploads, pytest.raises(OperationFailed):
        uploads.stored(part("data", 1, 1, b"abc"), b"abc")
        uploads.stored(part("data", 1, 3, b"abc"), b"abc")
        uploads.complete()
    assert store.objects == {}
