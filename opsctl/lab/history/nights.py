"""What a night does for a hosted customer: backups and their removal, patches, READY releases."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from opsctl.backup.rehearsals import REHEARSED
from opsctl.backup.terms import READING
from opsctl.contract.gate import Purpose
from opsctl.contract.services import Service
from opsctl.core.outcome import Status
from opsctl.lab.history.story import Story, after, joined
from opsctl.releases.model import Release
from opsctl.releases.version import Step
from opsctl.runs import installed as standing

REASONS = ("the host did not answer within 10 seconds", "the stage compress ended with 137",
           "the store refused a part: 503 Service Unavailable", "no space left on device")
KEEP = timedelta(days=30)
STORE = "s3:generated-backups"


@dataclass(frozen=True)
class Kept:
    """A backup in the store."""

    id: str
    database: str
    finished: datetime
    sha256: str
    bytes: int


class Nights:
    """One customer's backups, patches and installations, night after night."""

    def __init__(self, story: Story, last: date) -> None:
        self._story, self._last = story, last
        self._kept: list[Kept] = []
        self._patched: date | None = None
        self.installed = story.customer.version

    def backup(self, at: datetime, day: date) -> datetime:
        """`backup run`, and `backup prune` after a good one; returns when it ended."""
        customer, rng = self._story.customer, self._story.rng("backup", day)
        running = self._story.run(at, "backup run", Service.BACKUP)
        fails = (self._last - day).days < customer.failing or rng.random() < 0.012 * customer.trouble
        made: list[Kept] = []
        for name in customer.databases:
            at = after(at, 4 + rng.random() * 300)
            if fails:
                running.say(at, "backup.failed", {"database": name, "reason": rng.choice(REASONS), "exit_code": 1})
                continue
            made.append(self._completed(running.id, at, day, name, rng.random()))
        words = joined(f"{one.database} {one.id}" for one in made)
        if made:
            running.end(after(at, 1), Status.DONE, f"{words}: {sum(one.bytes for one in made) / 1e6:.1f} MB")
            return self._pruned(after(at, 30))
        running.end(after(at, 1), Status.FAILED, f"{customer.databases[0]}: the backup failed")
        return after(at, 2)

    def _completed(self, run: str, at: datetime, day: date, name: str, chance: float) -> Kept:
        disk = self._story.customer.disks[-1 if len(self._story.customer.hosts) == 1 else 1]
        number = max(0, (day - self._story.customer.begins).days)
        size = int((disk.begin + disk.growth * min(number, 400)) * (0.11 if name == "ready" else 0.02)
                   * (0.98 + chance * 0.04))
        began = after(at, -(size / 9e8) - 3)
        backup_id = f"{began:%Y%m%dT%H%M%SZ}-{self._story.mark(6, 'id', name, day)}"
        sha256 = hashlib.sha256(backup_id.encode()).hexdigest()
        customer = self._story.customer
        self._story.say(at, "backup.completed", {
            "database": name, "backup_id": backup_id, "manifest_sha256": sha256, "bytes": size,
            "started": began.isoformat(), "finished": at.isoformat(), "day": day.isoformat(), "engine": customer.engine,
            "method": "physical" if len(customer.databases) == 1 else "logical",
            "engine_version": _version(customer.engine), "host": customer.database_host, "objects": 3,
            "store": STORE}, run)
        kept = Kept(backup_id, name, at, sha256, size)
        self._kept.append(kept)
        return kept

    def _pruned(self, at: datetime) -> datetime:
        going = [one for one in self._kept if at - one.finished > KEEP + timedelta(hours=1)]
        if not going:
            return at
        running = self._story.run(at, "backup prune", Service.BACKUP)
        for one in going:
            at = after(at, 0.7)
            running.say(at, "backup.removed", {
                "backup_id": one.id, "database": one.database, "manifest_sha256": one.sha256, "bytes": one.bytes,
                "reason": f"{(at - one.finished).days} days old, kept for 30", "objects": 4, "store": STORE})
        self._kept = [one for one in self._kept if one not in going]
        running.end(after(at, 0.1), Status.DONE, f"{len(going)} removed, {len(self._kept)} kept in {STORE}")
        return after(at, 1)

    def rehearse(self, at: datetime, day: date) -> datetime:
        """`backup rehearse` of each database, one night in seven; returns when it ended."""
        customer, rng = self._story.customer, self._story.rng("rehearse", day)
        if (day.toordinal() + customer.number) % 7 or not self._kept or rng.random() < 0.1 * customer.trouble:
            return at
        for name in customer.databases:
            taken = [one for one in self._kept if one.database == name][-1]
            running = self._story.run(at, "backup rehearse", Service.BACKUP, lease=READING)
            seconds = {"download": round(5 + rng.random() * 60, 3), "prepare": round(2 + rng.random() * 20, 3),
                       "trial": round(1 + rng.random() * 5, 3)}
            at = after(at, sum(seconds.values()))
            running.say(at, REHEARSED, {
                "backup_id": taken.id, "database": name, "host": customer.database_host, "store": STORE,
                "directory": "/var/lib/opsctl-rehearsal", "into": "", "configuration": "", "evidence": "recorded",
                "version": _version(customer.engine), "facts": {}, "checks": {}, "manifest_sha256": taken.sha256,
                "seconds": seconds,
                "rows": {"meter": 5000, "reading": 900_000}})
            running.end(after(at, 1), Status.DONE, f"{taken.id} was restored on {customer.database_host}, checked and "
                                                   "taken away again")
        return after(at, 5)

    def patch(self, at: datetime, day: date, every: int = 28) -> None:
        """`patch apply` when it is due."""
        customer, rng = self._story.customer, self._story.rng("patch", day)
        if customer.overdue and (self._last - day).days < 45:
            return
        if self._patched and (day - self._patched).days < every:
            return
        if self._patched is None and rng.random() > 1 / every:
            return
        running = self._story.run(at, "patch apply", Service.IT_SYSTEM_MAINTENANCE, purpose=Purpose.NEW_VALUE)
        failed = rng.random() < 0.06 * customer.trouble
        for host in customer.hosts:
            at = after(at, 60 + rng.random() * 200)
            result = "failed" if failed and host == customer.hosts[-1] else "patched"
            reboot = result == "patched" and rng.random() < 0.5
            before = {"libsample": f"1.{day.month}-1", "openssl": "3.5.1-1"}
            running.say(at, "patch.applied", {
                "host": host, "result": result, "message": "apt ended with 100" if result == "failed" else "",
                "plan": hashlib.sha256(f"{customer.name}{day}".encode()).hexdigest(), "revision": "generated",
                "security_only": False, "before": before,
                "after": {name: f"{text}+1" for name, text in before.items()} if result == "patched" else {},
                "restarted": ["ready.service"] if result == "patched" else [], "repaired": [],
                "reboot": {"needed": reboot, "by": ["linux-image"] if reboot else [], "done": reboot,
                           **{key: f"{day:%j}{key}" if reboot else "" for key in ("boot_before", "boot_after")}}})
        if not failed:
            self._patched = day
        running.end(after(at, 2), Status.FAILED if failed else Status.DONE,
                    f"failed: {customer.hosts[-1]}" if failed else f"patched: {joined(customer.hosts)}")

    def install(self, at: datetime, release: Release) -> None:
        """`release install` of one release."""
        customer = self._story.customer
        service = Service.SOFTWARE_UPDATE_MAJOR if release.kind is Step.MAJOR else Service.SOFTWARE_UPDATE_MINOR
        running = self._story.run(at, "release install", service, purpose=Purpose.NEW_VALUE)
        version, package = str(release.version), f"{release.version}-1"
        plan = hashlib.sha256(f"{customer.name}{version}".encode()).hexdigest()
        running.say(after(at, 20), standing.STARTED, {
            "from": self.installed, "from_package": f"{self.installed}-1", "to": version, "package": package,
            "kind": release.kind.value, "copies": release.install.db_migration, "reversible": True, "plan": plan,
            "revision": "generated"})
        running.say(after(at, 200), standing.INSTALLED, {
            "from": self.installed, "to": version, "package": package, "kind": release.kind.value,
            "description": f"READY {self.installed} -> {version}", "plan": plan,
            "release_file": hashlib.sha256(version.encode()).hexdigest(), "revision": "generated", "approved_by": "",
            "modules_off": [], "hosts": {host: {"touched": True} for host in customer.hosts}})
        running.end(after(at, 205), Status.DONE, f"READY {self.installed} -> {version}, healthy")
        self.installed = version


def _version(engine: str) -> str:
    return "17.6" if engine == "postgresql" else "11.8.3"
