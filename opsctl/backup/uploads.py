"""The uploads of one backup: one per volume, completed together when all is proven, thrown away otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from types import TracebackType

from opsctl.adapters.objects import ObjectStore, Unreachable, UploadedPart
from opsctl.backup.exchange import SentPart
from opsctl.backup.manifest import ObjectEntry, PartEntry
from opsctl.backup.naming import DATA, Place, object_name
from opsctl.core.errors import OperationFailed, OpsctlError
from opsctl.core.secret import Secret

BATCH = 64


@dataclass(frozen=True)
class Sizes:
    """How a backup is cut. address_seconds: how long a signed address lives; it is renewed while the run lasts."""

    part_bytes: int = 16 << 20
    parts_per_volume: int = 10_000
    address_seconds: int = 3600


@dataclass
class _Volume:
    key: str
    upload: str
    parts: dict[int, SentPart] = field(default_factory=dict)


class _Stage(Enum):
    OPEN = auto()
    COMPLETING = auto()
    PUBLISHING = auto()
    PUBLISHED = auto()


class Uploads:
    """A context: whatever is not published by its end is removed from the store again. Keeps `dialogue.Sink`."""

    def __init__(self, store: ObjectStore, place: Place, sizes: Sizes) -> None:
        self._store = store
        self._place = place
        self._sizes = sizes
        self._volumes: dict[tuple[str, int], _Volume] = {}
        self._stage = _Stage.OPEN

    def __enter__(self) -> Uploads:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._stage is not _Stage.PUBLISHED:
            # A store that does not answer is not asked for every object: `backup clean` finds what is left.
            with suppress(Unreachable):
                self._throw_away()

    def _throw_away(self) -> None:
        if self._stage is _Stage.PUBLISHING:
            # The manifest first: a put that failed may have arrived all the same.
            _try(self._store.delete, self._place.manifest)
        for volume in self._volumes.values():
            _try(self._store.abort, volume.key, volume.upload)
            if self._stage is not _Stage.OPEN:
                _try(self._store.delete, volume.key)

    def addresses(self, key: str) -> tuple[Mapping[str, Secret], int]:
        stream, number_of_volume, first = _split(key)
        volume = self._volume(stream, number_of_volume)
        last = min(first + BATCH, self._sizes.parts_per_volume + 1)
        signed = {f"{stream}/{number_of_volume}/{number}":
                  self._store.sign_part(volume.key, volume.upload, number, self._sizes.address_seconds)
                  for number in range(first, last)}
        return signed, self._sizes.address_seconds

    def stored(self, part: SentPart, body: bytes | None) -> None:
        volume = self._volume(part.name, part.volume)
        if body is not None:
            kept = self._store.put_part(volume.key, volume.upload, part.number, body)
            if kept.etag != part.md5:
                raise OperationFailed(f"part {part.number} of {volume.key} changed on its way", "run it again")
            part = SentPart(part.name, part.volume, part.number, part.size, part.md5, part.sha256, kept.etag)
        volume.parts[part.number] = part

    def _volume(self, stream: str, number: int) -> _Volume:
        if (stream, number) not in self._volumes:
            key = self._place.prefix + object_name(stream, number)
            self._volumes[stream, number] = _Volume(key, self._store.begin(key))
        return self._volumes[stream, number]

    def complete(self) -> tuple[ObjectEntry, ...]:
        """Compare every part with what the store has, then complete all volumes; returns the manifest's objects.

        OperationFailed, before anything is completed, when a part is missing or differs.
        """
        ordered = sorted(self._volumes.items(), key=lambda item: (item[0][0] != DATA, item[0]))
        for (_, _), volume in ordered:
            _compare(volume, self._store.parts(volume.key, volume.upload))
        self._stage = _Stage.COMPLETING
        for _, volume in ordered:
            self._store.complete(volume.key, volume.upload, _as_uploaded(volume))
        sizes = {entry.key: entry.size for entry in self._store.list(self._place.prefix).objects}
        entries = []
        for (stream, number), volume in ordered:
            entry = ObjectEntry.model_validate({
                "name": object_name(stream, number), "stream": stream,
                "size": sum(part.size for part in volume.parts.values()),
                "parts": [PartEntry(size=part.size, md5=part.md5, sha256=part.sha256)
                          for _, part in sorted(volume.parts.items())]})
            if sizes.get(volume.key) != entry.size:
                raise OperationFailed(f"{volume.key} has another size in {self._store.place} than was sent",
                                      "run it again; if it stays, look into the store's log")
            entries.append(entry)
        return tuple(entries)

    def publish(self, manifest: bytes) -> None:
        """The one put that makes it a backup."""
        self._stage = _Stage.PUBLISHING
        self._store.put(self._place.manifest, manifest)
        self._stage = _Stage.PUBLISHED


def _try(act: Callable[..., None], *given: str) -> None:
    """Tidy up as far as it goes; only a store that does not answer ends it."""
    try:
        act(*given)
    except Unreachable:
        raise
    except OpsctlError:
        return


def _split(key: str) -> tuple[str, int, int]:
    stream, volume, number = key.split("/")
    return stream, int(volume), int(number)


def _as_uploaded(volume: _Volume) -> tuple[UploadedPart, ...]:
    return tuple(UploadedPart(part.number, part.size, part.etag) for _, part in sorted(volume.parts.items()))


def _compare(volume: _Volume, kept: Sequence[UploadedPart]) -> None:
    sent = _as_uploaded(volume)
    if [part.number for part in sent] != list(range(1, len(sent) + 1)) or tuple(kept) != sent:
        raise OperationFailed(f"the store does not have all parts of {volume.key} as they were sent "
                              f"({len(kept)} of {len(sent)})", "run it again")
