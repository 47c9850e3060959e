"""Generated entries have the shapes that the real use cases record: each kind is written by both and compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from opsctl.adapters.objects.memory import MemoryObjects
from opsctl.adapters.probes import Probe
from opsctl.backup import running
from opsctl.backup.manifest import fingerprint
from opsctl.backup.manifest import load as load_manifest
from opsctl.backup.prune import prune
from opsctl.backup.take import Taken
from opsctl.core.errors import OperationFailed
from opsctl.fleet.nightly import nightly
from opsctl.installs import evidence as installs
from opsctl.installs.model import Hop, ReleasePlan
from opsctl.lab.history.fleet import fleet
from opsctl.lab.history.whole import operator, told, world
from opsctl.ledger.canonical import plain
from opsctl.ledger.generated import Chain
from opsctl.maintenance.evidence import Evidence
from opsctl.maintenance.model import HostPlan, Package, PatchPlan
from opsctl.network import service as network
from opsctl.releases.catalogue import load, load_or_error
from opsctl.releases.version import Step
from opsctl.runs.service import Run, perform
from opsctl.storage import service as storage
from opsctl.storage.model import DatabaseSize, Latency, Measurement, Volume
from opsctl.storage.stores import StoreUse
from opsctl.support import calendars, fold, handling, service
from opsctl.support.log import writing
from tests.unit.backup.made import Bench, bench
from tests.unit.fleet.test_nightly import ROOMS
from tests.unit.lab.recorded import differences
from tests.unit.support.conftest import A, logged

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[3]
LAST = date(2026, 11, 23)
NOTICES = frozenset(f"notice.{word}" for word in ("drafted", "approved", "sending", "accepted", "refused", "unknown"))
"""Compared in tests/contracts/test_history_notices.py, where a relay takes them."""
RESTORES = frozenset({"backup.rehearsed"})
"""Compared in tests/lab/test_backup_roundtrip.py, where there is a host to restore on."""


@pytest.fixture(scope="module")
def generated() -> Mapping[str, Mapping[str, Any]]:
    """One payload of each kind, of a fleet in which enough goes wrong."""
    releases = load(ROOT / "releases")
    story = world(7, 300, LAST, releases, calendars.load("dk-public"), datetime(2026, 11, 24, tzinfo=UTC))
    customers = tuple(replace(one, trouble=1.0) for one in fleet(14, 7, story.first, story.last))
    chains: list[Chain] = [operator(customers, story), *(told(one, story)[0] for one in customers)]
    found: dict[str, Mapping[str, Any]] = {}
    for made in (made for chain in chains for made in chain.entries):
        if made.kind not in found or len(str(made.payload)) > len(str(found[made.kind])):
            found[made.kind] = plain(made.payload)
    return found


def recorded(found: Bench, chain: str = "sample-aalund") -> dict[str, Mapping[str, Any]]:
    return {entry.kind: entry.payload for entry in found.workplace.ledger.entries(chain)}


def check(real: Mapping[str, Mapping[str, Any]], generated: Mapping[str, Mapping[str, Any]], *kinds: str) -> None:
    assert {kind: differences(real[kind], generated[kind]) for kind in kinds} == {kind: [] for kind in kinds}


def test_differences_can_be_found() -> None:
    real = {"a": 1, "b": [{"c": "x"}], "before": {"x": "1"}}
    assert differences(real, {"a": 2.5, "b": [{"c": "y"}], "before": {"z": "2"}}) == []
    assert differences(real, {"a": "1", "b": [{"d": 1}]}) == [
        ".before is missing", ".a is str, not float", ".b[].c is missing", ".b[].d is new"]


def test_every_generated_kind_is_compared_somewhere(generated: Mapping[str, Any]) -> None:
    assert set(generated) - NOTICES - RESTORES == {
        "run.started", "run.finished", "storage.measured", "network.checked", "backup.completed", "backup.failed",
        "backup.removed", "patch.applied", "release.started", "release.installed", "nightly.started",
        "nightly.finished", "support.opened", "support.started", "support.waiting", "support.resumed",
        "support.closed", "support.reminded"}
    assert set(generated) >= NOTICES - {"notice.unknown", "notice.refused"}


def test_checks(tmp_path: Path, generated: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    found = bench(tmp_path)
    volume = Volume("aalund-1", "/", "ext4", False, "", 100, 95, 5, 10, 1, 9)
    measured = Measurement("aalund-1", "", (volume,), (), (DatabaseSize(
        "aalund-1", "ready", "postgresql", "", 1, 1, "/", 99.0, 1, 0, (("reading", 1),)),), (
        Latency("aalund-1", "/", "", 1.0, 2.0, 0.5, 100.0, 1.0, 1.0, 1.0),))
    monkeypatch.setattr(storage, "measurements_of", lambda *_: (measured,))
    for _ in range(2):
        perform(found.workplace, found.profile, storage.REQUEST, "storage check",
                lambda run: storage._judged(run, found.profile, storage.Seen(cast("Any", None), {
                    "sample-aalund": (StoreUse("s3:x", 1, 1),)}, load_or_error(found.workplace.settings.releases))))
    probes = {key: Probe(key, attempts=3, answered=3, round_trip=0.01)
              for key in ("sample-aalund/aalund-api", "sample-aalund/aalund-ssh")}
    perform(found.workplace, found.profile, network.REQUEST, "network check",
            lambda run: network._judged(run, found.profile, network.Seen(probes, {"sample-aalund": ""})))
    check(recorded(found), generated, "storage.measured", "network.checked", "run.started", "run.finished")


def test_backups(tmp_path: Path, generated: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    found = bench(tmp_path)
    store = MemoryObjects(found.clock)
    monkeypatch.setattr(running, "open_store", lambda _: store)

    def taken(*_: Any, **__: Any) -> Taken:
        body = store.get(found.make(store, recorded=False).manifest)
        return Taken(load_manifest(body, "the store"), fingerprint(body))

    monkeypatch.setattr(running, "take", taken)
    for _ in range(5):
        running.run_backup(found.workplace, found.profile)
        found.clock.move(timedelta(days=20))
    prune(found.workplace, found.profile, store=store)

    def fails(*_: Any, **__: Any) -> Taken:
        raise OperationFailed("no space left", "free some")

    monkeypatch.setattr(running, "take", fails)
    running.run_backup(found.workplace, found.profile)
    check(recorded(found), generated, "backup.completed", "backup.failed", "backup.removed")


class Told:
    """Stands for a run: what is recorded under it is kept."""

    def __init__(self) -> None:
        self.entries: dict[str, Mapping[str, Any]] = {}

    def record(self, kind: str, payload: Mapping[str, Any]) -> None:
        self.entries[kind] = payload

    def say(self, message: str) -> None:
        """Progress is of no interest here."""


def test_patches_and_releases(generated: Mapping[str, Any]) -> None:
    run = Told()
    plan = PatchPlan("sample-aalund", False, (HostPlan("a", (Package("openssl", "1", "2", True),)),), "t", "i", "r", 1)
    Evidence(cast("Run", run), plan, ["a"]).take("a", {"platform_patch": {
        "sound": True, "before": {"openssl": "1"}, "after": {"openssl": "2"}, "restarted": ["x"], "repaired": [],
        "reboot": {"needed": True, "by": ["linux"], "boot_before": "a", "boot_after": "b"}}})
    hop = Hop("5.5.0", "5.5.0-1", Step.MINOR, True, True, 10, 100, "f")
    wanted = ReleasePlan("sample-aalund", "5.4.0", "5.5.0", Step.MINOR, (hop,), (), (), "t", "i", "r")
    installs.started(cast("Run", run), wanted, hop, "5.4.0", "5.4.0-1")
    installs.installed(cast("Run", run), wanted, hop, "5.4.0", {}, "", "READY")
    check(run.entries, generated, "patch.applied", "release.started", "release.installed")


def test_nights(tmp_path: Path, generated: Mapping[str, Any]) -> None:
    found = bench(tmp_path)
    nightly(found.workplace, [found.profile], {}, load(ROOT / "releases"), ROOMS)
    check(recorded(found, "operator"), generated, "nightly.started", "nightly.finished")


def test_requests(tmp_path: Path, generated: Mapping[str, Any]) -> None:
    found = bench(tmp_path)
    with writing(found.workplace, "sample-aalund") as log:
        id = logged(log, A).id
        handling.start(log, id, "Sample Person")
        handling.wait(log, id, "customer")
        handling.resume(log, id)
        service.close(log, id, "done")
    kinds = tuple(f"support.{word}" for word in ("opened", "started", "waiting", "resumed", "closed"))
    check(recorded(found), generated, *kinds)
    assert generated["support.reminded"] == fold.reminder(generated["support.reminded"]["id"], 100) | {
        "percent": generated["support.reminded"]["percent"]}, "both write it by this one function"
