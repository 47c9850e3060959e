"""What S3 answers, in our own words: errors, an object's lock, the store's clock."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from opsctl.adapters.objects.model import Retained, Retention, Unreachable
from opsctl.core.errors import OperationFailed

ABSENT = frozenset({"404", "NoSuchKey", "NoSuchUpload", "NoSuchVersion"})
LOCKED = "protected by object lock"
UNKNOWN = frozenset({"NotImplemented"})


@contextmanager
def told(what: str, place: str, fine: Collection[str] = (), *, removing: bool = False) -> Iterator[None]:
    """Turn the SDK's errors into ours; its texts may quote addresses, so only the code is passed on.

    fine: codes that end the block without an error. removing: a refusal may say that a lock was the reason, in words
    that no name of a bucket or key can hold; what else it says may quote those.
    """
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        if code in fine:
            return
        if removing and LOCKED in str(error.response.get("Error", {}).get("Message", "")).lower():
            raise Retained(f"{what} in {place} is locked", "wait until the lock ends") from None
        raise OperationFailed(f"{what} in {place}: the store answered {code}", _remedy(code)) from None
    except BotoCoreError as error:
        raise Unreachable(f"{what} in {place}: {type(error).__name__}",
                          "is the endpoint reachable, and its certificate trusted by `ca_file`?") from None


def _remedy(code: str) -> str:
    if code in {"AccessDenied", "SignatureDoesNotMatch", "InvalidAccessKeyId", "403"}:
        return "check the credentials and what the bucket's policy allows them"
    if code == "NoSuchBucket":
        return "create the bucket, or correct the store's `bucket`"
    if code in {"InvalidRequest", "ObjectLockConfigurationNotFoundError"}:
        return "if the store's `lock_days` are set, the bucket must have Object Lock; else look into the store's log"
    return "try again; if it stays, look into the store's log"


def lock_in(head: Mapping[str, Any]) -> Retention | None:
    """The lock that the answer to a HEAD tells of."""
    if head.get("ObjectLockLegalHoldStatus") == "ON":
        return Retention(None, "legal hold")
    until = head.get("ObjectLockRetainUntilDate")
    return None if until is None else Retention(until.astimezone(UTC), head.get("ObjectLockMode", "lock").lower())


def strictest(locks: Iterable[Retention | None]) -> Retention | None:
    """The one that ends last; a legal hold, which has no end, before all."""
    found = [lock for lock in locks if lock is not None]
    return max(found, key=lambda lock: (lock.until is None, lock.until or datetime.max.replace(tzinfo=UTC)),
               default=None)


def answered_at(metadata: Any) -> datetime | None:
    """The store's clock, by the Date header of an answer."""
    header = metadata.get("HTTPHeaders", {}).get("date")
    return parsedate_to_datetime(header).astimezone(UTC) if header else None
