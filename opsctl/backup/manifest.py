"""The manifest: what a backup is and what its bytes must be. It is written last; without it there is no backup."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from opsctl.core.errors import EvidenceDamaged
from opsctl.profiles.hosted import Engine, Method
from opsctl.profiles.parts import Part

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


StreamName = Literal["data", "configuration", "roles"]


class PartEntry(Part):
    """One uploaded part, in order; md5 is what Content-MD5 said."""

    size: int = Field(ge=1)
    md5: str = Field(pattern=r"^[0-9a-f]{32}$")
    sha256: Sha256


class ObjectEntry(Part):
    """One object of the backup. Volumes of a stream follow each other."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]+$")
    stream: StreamName
    size: int = Field(ge=1)
    parts: tuple[PartEntry, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _adds_up(self) -> ObjectEntry:
        if self.size != sum(part.size for part in self.parts):
            raise ValueError("the parts' sizes do not add up to the object's")
        return self


class StreamEntry(Part):
    """The bytes of a stream as they left the host: all volumes one after the other."""

    size: int = Field(ge=1)
    sha256: Sha256
    format: str = Field(max_length=80, description="How to undo it, outermost last, such as tar | zstd | age.")


class KeyEntry(Part):
    """A recipient that can decrypt the backup: public."""

    key: str = Field(pattern=r"^age1[0-9a-z]{58}$")
    kept: Literal["online", "offline"]


class Manifest(Part):
    """Everything about one backup. Times are UTC; `started` and `finished` by the control machine's clock."""

    schema_version: Literal[1]
    backup_id: str
    customer: str
    database: str
    host: str
    engine: Engine
    engine_version: str = Field(max_length=80)
    architecture: str = Field(max_length=40)
    started: datetime
    finished: datetime
    day: date = Field(description="Local day of `started` in the customer's zone: the day it counts for (P16).")
    host_ahead_seconds: float = Field(description="The host's clock minus the control machine's.")
    store_time: datetime = Field(description="The store's own clock just before the manifest was written.")
    streams: dict[StreamName, StreamEntry]
    objects: tuple[ObjectEntry, ...] = Field(min_length=1)
    recipients: tuple[KeyEntry, ...] = Field(min_length=2)
    method: Method = Method.PHYSICAL
    rows: dict[str, int] = Field(default_factory=dict, description="Exact rows by table, of a logical backup.")
    facts: dict[str, str] = Field(description="The engine's own: positions in its log, identifiers, counts.")
    opsctl_version: str
    program_sha256: Sha256 = Field(description="The host program that made it.")
    run: str

    @property
    def size(self) -> int:
        """Bytes of all objects."""
        return sum(entry.size for entry in self.objects)

    def of(self, stream: str) -> tuple[ObjectEntry, ...]:
        """The objects of one stream in order."""
        return tuple(entry for entry in self.objects if entry.stream == stream)


def dump(manifest: Manifest) -> bytes:
    """The manifest as the bytes that are stored and hashed."""
    return manifest.model_dump_json(indent=1).encode() + b"\n"


def load(body: bytes, where: str) -> Manifest:
    """Read a manifest; EvidenceDamaged when it is not one, naming `where` and the fields, never their values."""
    try:
        return Manifest.model_validate_json(body)
    except ValidationError as error:
        fields = tuple(".".join(str(step) for step in item["loc"]) + ": " + item["msg"]
                       for item in error.errors(include_input=False, include_url=False, include_context=False))
        raise EvidenceDamaged(f"the manifest {where} cannot be read",
                              "use another backup, and find out who changed this one", fields) from None


def fingerprint(body: bytes) -> str:
    """SHA-256 of the stored bytes, as the ledger keeps it."""
    return hashlib.sha256(body).hexdigest()
