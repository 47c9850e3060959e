"""How a bucket protects what is in it: asked of the store itself; what it does not answer is named."""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, date
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from opsctl.adapters.objects.model import Protections

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# "There is none" is an answer; every other refusal means that nobody knows.
_NONE = frozenset({"ObjectLockConfigurationNotFoundError", "ServerSideEncryptionConfigurationNotFoundError",
                   "NoSuchLifecycleConfiguration", "NoSuchPublicAccessBlockConfiguration"})

# What lies there has to be asked back first, which takes hours; GLACIER_IR gives it at once.
_ARCHIVES = frozenset({"GLACIER", "DEEP_ARCHIVE"})


def protections(client: S3Client, bucket: str, prefix: str) -> Protections:
    """Ask for versioning, lock, encryption, lifecycle and public access. prefix: of the keys that matter."""
    unknown: list[str] = []

    def ask(what: str, call: Callable[..., Any]) -> dict[str, Any]:
        try:
            return dict(call(Bucket=bucket))
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _NONE:
                unknown.append(what)
        except BotoCoreError:
            unknown.append(what)
        return {}

    versioning = ask("versioning", client.get_bucket_versioning).get("Status") == "Enabled"
    lock = ask("object lock", client.get_object_lock_configuration).get("ObjectLockConfiguration", {})
    default = lock.get("Rule", {}).get("DefaultRetention", {})
    rules = ask("encryption", client.get_bucket_encryption).get("ServerSideEncryptionConfiguration", {}).get("Rules")
    life = list(_actions(ask("lifecycle", client.get_bucket_lifecycle_configuration).get("Rules", []), prefix))
    public = ask("public access", client.get_public_access_block).get("PublicAccessBlockConfiguration", {})
    expires_days, expires_on = _soonest(life, removal=True)
    archives_days, archives_on = _soonest(life, removal=False)
    return Protections(
        versioning=versioning, lock_mode=str(default.get("Mode", "")).lower(),
        lock_days=int(default.get("Days", 0)) or int(default.get("Years", 0)) * 365,
        encryption=str((rules or [{}])[0].get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm", "")),
        expires_days=expires_days, public_blocked=len(public) >= 4 and all(public.values()), unknown=tuple(unknown),
        expires_on=expires_on, archives_days=archives_days, archives_on=archives_on)


def can_lock(client: S3Client, bucket: str) -> bool:
    """Whether the bucket takes locks on objects; False also where the store does not know the question."""
    try:
        found = client.get_object_lock_configuration(Bucket=bucket).get("ObjectLockConfiguration", {})
    except ClientError:
        return False
    return found.get("ObjectLockEnabled") == "Enabled"


def _actions(rules: list[Any], prefix: str) -> Iterator[tuple[bool, Any]]:
    """What the bucket's own rules do to something under `prefix`: whether it is removal (or archiving), and when."""
    for rule in rules:
        scope = rule.get("Filter", {})
        scope = str(scope.get("Prefix", scope.get("And", {}).get("Prefix", rule.get("Prefix", ""))))
        if rule.get("Status") == "Enabled" and (prefix.startswith(scope) or scope.startswith(prefix)):
            yield True, rule.get("Expiration", {})
            yield from ((False, part) for part in rule.get("Transitions", ()) if part.get("StorageClass") in _ARCHIVES)


def _soonest(actions: list[tuple[bool, Any]], *, removal: bool) -> tuple[int | None, date | None]:
    """After how many days and from which day on it happens first; None for never."""
    times = [when for removes, when in actions if removes is removal]
    return (min((int(when["Days"]) for when in times if "Days" in when), default=None),
            min((when["Date"].astimezone(UTC).date() for when in times if "Date" in when), default=None))


def open_to_all(address: str, ca_file: str | None) -> bool:
    """Whether anybody can read the object at a signed address, asked without its signature."""
    target = urlsplit(address)
    connection = http.client.HTTPSConnection(str(target.hostname), target.port, timeout=20,
                                             context=ssl.create_default_context(cafile=ca_file))
    try:
        connection.request("GET", target.path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
