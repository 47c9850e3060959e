"""Customers added and moved: valid before they are written, never over another, and the past judged by its contract."""

import io
import sys
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from opsctl.contract.gate import Delivery, Purpose, Request
from opsctl.contract.services import Hosting, Service
from opsctl.core.clock import local_day
from opsctl.profiles.loader import load_profile
from opsctl.profiles.model import CustomerProfile, KamstrupProfile, terms_at
from opsctl.profiles.writing import former_hosted
from opsctl.records import customers
from opsctl.runs.installed import stand
from opsctl.runs.service import gate
from opsctl.runs.workplace import Workplace
from tests.unit.records.conftest import Run

OWN = ("customer", "add", "new-town", "--hosting", "customer", "--name", "New Town", "--contact",
       "Operations <ops@newtown.example>", "--agreement", "SMA-9", "--agreement-from", "2026-01-01",
       "--agreement-to", "2099-12-31", "--ready", "5.4.0")
SYSTEM = ("--host", "app-1=192.0.2.10/application+database", "--database", "ready=postgresql@app-1", "--store",
          "/srv/backups", "--recipient", "online=file:keys/online.pub", "--recipient", "offline=file:keys/offline.pub")
HOSTED = ("customer", "add", "new-town", "--hosting", "kamstrup", "--name", "New Town", "--contact",
          "Operations <ops@newtown.example>", *SYSTEM)


def test_a_customer_that_hosts_itself(opsctl: Run, place: Workplace) -> None:
    answer = opsctl(*OWN)
    assert answer.code == 0, answer
    assert "backup                 refused" in answer.stdout
    assert "software-update-minor  allowed" in answer.stdout
    found = load_profile(place.settings.inventories, "new-town")
    assert isinstance(found, CustomerProfile)
    assert (found.domains, found.agreement and found.agreement.reference) == (("newtown.example",), "SMA-9")
    assert opsctl("rasci", "new-town").code == 0
    entry = place.ledger.last("new-town", "customer.added")
    assert entry is not None and entry.payload["hosting"] == "customer"


def test_a_customer_that_kamstrup_hosts(opsctl: Run, place: Workplace) -> None:
    answer = opsctl(*HOSTED)
    assert answer.code == 0, answer
    assert "known_hosts" in answer.stdout
    found = load_profile(place.settings.inventories, "new-town")
    assert isinstance(found, KamstrupProfile)
    assert [host.name for host in found.hosts] == ["app-1"]
    assert "app-1:" in (place.settings.inventories / "new-town" / "hosts.yml").read_text()
    assert opsctl("profile", "validate", "new-town").code == 0


def test_a_profile_that_is_there_is_never_touched(opsctl: Run, place: Workplace) -> None:
    assert opsctl(*OWN).code == 0
    before = (place.settings.inventories / "new-town" / "profile.yml").read_bytes()
    for words in (OWN, HOSTED):
        again = opsctl(*words)
        assert (again.code, "has a profile already" in again.stderr) == (2, True)
    assert (place.settings.inventories / "new-town" / "profile.yml").read_bytes() == before
    assert [path.name for path in (place.settings.inventories / "new-town").iterdir()] == ["profile.yml"]


@pytest.mark.parametrize(("words", "code", "said"), [
    (OWN[:3], 2, "--hosting is missing"),
    ((*OWN[:4], "cloud", *OWN[5:]), 2, "exactly one of kamstrup, customer"),
    ((*OWN[:8], "ops@newtown.example", *OWN[9:]), 2, "is not a name and an address"),
    ((*OWN[:2], "New_Town", *OWN[3:]), 2, "small letters"),
    ((*OWN[:2], "../outside", *OWN[3:]), 2, "small letters"), ((*OWN[:2], "n" * 49, *OWN[3:]), 2, "48 at most"),
    ((*OWN, "--zone", "Mars/Base"), 3, "IANA time zone"),
    ((*OWN, "--since", "soon"), 2, "is not a day"),
    (OWN[:-4], 2, "--agreement-to"),
    (HOSTED[:9], 2, "--host, --database, --store, --recipient"),
    ((*HOSTED, "--host", "app-2"), 2, "app-1=192.0.2.10/application+database"),
    ((*HOSTED, "--database", "other=oracle@app-1"), 3, "engine"),
    ((*HOSTED, "--store", "s3:bucket"), 2, "--store-credentials"),
    (HOSTED[:-2], 3, "recipients"),
])
def test_what_makes_no_valid_profile_writes_nothing(words: tuple[str, ...], code: int, said: str, opsctl: Run,
                                                    place: Workplace) -> None:
    answer = opsctl(*words)
    assert (answer.code, said in answer.stderr) == (code, True), answer
    assert not (place.settings.inventories / "new-town").exists()
    assert not (place.settings.inventories.parent / "outside").exists()
    assert not (Path(tempfile.gettempdir()) / "outside").exists()
    assert not list(place.ledger.entries())


def test_a_dry_run_writes_nothing(opsctl: Run, place: Workplace) -> None:
    answer = opsctl(*OWN, "--dry-run")
    assert yaml.safe_load(answer.stdout)["customer"] == "new-town"
    assert not (place.settings.inventories / "new-town").exists()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_is_not_given_is_asked_on_a_terminal(opsctl: Run, place: Workplace,
                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    answers = ["kamstrup", "Operations <ops@newtown.example>", "New Town", "SMA-9",
               "2026-01-01", "2099-12-31", "", SYSTEM[1], SYSTEM[3],
               "s3:bucket@https://s3.example", "file:/etc/opsctl/s3.json", f"{SYSTEM[7]} {SYSTEM[9]}"]
    monkeypatch.setattr(sys, "stdin", Terminal("\n".join(answers) + "\n"))
    answer = opsctl("customer", "add", "new-town")
    assert answer.code == 0, answer
    found = load_profile(place.settings.inventories, "new-town")
    assert isinstance(found, KamstrupProfile)
    assert (found.agreement and found.agreement.reference, found.ready.version) == ("SMA-9", None)
    assert found.backup.store.kind == "s3" and len(found.backup.recipients) == 2


def test_after_a_move_the_past_is_judged_by_its_contract(opsctl: Run, place: Workplace) -> None:
    day = local_day(datetime.now(UTC), "Europe/Copenhagen")
    before = load_profile(place.settings.inventories, "sample-aalund")
    answer = opsctl("customer", "move", "sample-aalund", "--hosting", "customer", "--from", day.isoformat(), "--reason",
                    "contract C-7", "--yes")
    assert answer.code == 0, answer
    assert "P27" in answer.stderr and "backup                 refused" in answer.stdout
    after = load_profile(place.settings.inventories, "sample-aalund")
    assert isinstance(after, CustomerProfile)
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    last_month = noon - timedelta(days=31)
    assert (terms_at(after, noon).hosting, terms_at(after, noon).addons) == (Hosting.CUSTOMER, {})
    assert terms_at(after, last_month) == terms_at(before, last_month)
    backup = Request(Service.BACKUP, Purpose.PROTECT, Delivery.WORK)
    assert gate(after, backup, last_month, place.ledger).allowed
    assert not gate(after, backup, noon, place.ledger).allowed
    kept = former_hosted(place.settings.inventories, after)
    assert isinstance(before, KamstrupProfile) and kept is not None
    assert (kept.hosts, kept.backup) == (before.hosts, before.backup), "what has the backups in custody is kept whole"
    for instant in (noon, last_month):
        assert terms_at(kept, instant) == terms_at(after, instant), "and grants nothing that the contract does not"
    assert not (place.settings.inventories / "sample-aalund" / "hosts.yml").exists()
    entry = place.ledger.last("sample-aalund", "customer.moved")
    assert entry is not None and entry.payload["effective_from"] == day.isoformat()
    again = opsctl("customer", "move", "sample-aalund", "--hosting", "customer", "--from", day.isoformat(), "--yes",
                   "--reason", "contract C-7")
    assert (again.code, "already" in again.stderr) == (2, True)


def test_a_move_that_was_cut_off_is_recorded_by_the_next_run(opsctl: Run, place: Workplace,
                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("customer", "move", "sample-aalund", "--hosting", "customer", "--from", "2026-01-01", "--reason", "C-7",
             "--yes")

    def die(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(customers, "_write_inventory", die)
        assert opsctl(*words).code == 1
    assert place.ledger.last("sample-aalund", "customer.moved") is None
    assert load_profile(place.settings.inventories, "sample-aalund").hosting == "customer"
    again = opsctl(*words)
    assert (again.code, "is recorded now" in again.stdout) == (0, True), again
    entry = place.ledger.last("sample-aalund", "customer.moved")
    assert entry is not None and (entry.payload["from"], entry.payload["to"]) == ("kamstrup", "customer")
    assert not (place.settings.inventories / "sample-aalund" / "hosts.yml").exists()
    assert opsctl(*words).code == 2


def test_a_move_to_kamstrup_needs_the_system(opsctl: Run, place: Workplace) -> None:
    words = ("customer", "move", "sample-dalmose", "--hosting", "kamstrup", "--from", "2026-01-01", "--reason", "C-8")
    assert "--host, --database" in opsctl(*words, "--yes").stderr
    assert opsctl(*words, *SYSTEM, "--yes").code == 0
    found = load_profile(place.settings.inventories, "sample-dalmose")
    assert isinstance(found, KamstrupProfile)
    assert found.earlier[0].hosting is Hosting.CUSTOMER
    assert terms_at(found, datetime(2025, 12, 31, 22, 59, tzinfo=UTC)).hosting is Hosting.CUSTOMER
    assert terms_at(found, datetime(2025, 12, 31, 23, 0, tzinfo=UTC)).hosting is Hosting.KAMSTRUP


@pytest.mark.parametrize(("changes", "said"), [
    (("--from", "2098-01-01"), "lies in the future"), (("--from", "2020-01-01"), "does not lie after"),
    (("--from", "2026-01-01", "--reason", " "), "needs a reason"), (("--from", "first of may"), "is not a day")])
def test_a_move_that_cannot_be_meant_changes_nothing(changes: tuple[str, ...], said: str, opsctl: Run,
                                                     place: Workplace) -> None:
    path = place.settings.inventories / "sample-aalund" / "profile.yml"
    before = path.read_bytes()
    answer = opsctl("customer", "move", "sample-aalund", "--hosting", "customer", "--reason", "C", *changes, "--yes")
    assert (answer.code, said in answer.stderr) == (2, True), answer
    assert (path.read_bytes(), list(path.parent.glob("profile-until*"))) == (before, [])


def test_a_move_says_what_stays_unfinished(opsctl: Run, place: Workplace) -> None:
    words = ("customer", "move", "sample-aalund", "--hosting", "customer", "--from", "2026-01-01", "--reason", "C")
    place.ledger.append("sample-aalund", "release.started", {"from": "5.4.0", "to": "5.5.0"}, actor="me", run="r-1")
    answer = opsctl(*words, "--yes")
    assert "the installation of READY 5.5.0 by r-1 is unfinished" in answer.stdout + answer.stderr, answer
    assert stand(place, "sample-aalund").open is None, "and nothing takes it back on other hosts"


def test_a_move_is_asked_about(opsctl: Run, place: Workplace) -> None:
    words = ("customer", "move", "sample-aalund", "--hosting", "customer", "--from", "2026-01-01", "--reason", "C")
    asked = opsctl(*words)
    assert (asked.code, "--yes" in asked.stderr) == (2, True)
    dry = opsctl(*words, "--dry-run")
    assert (dry.code, "+hosting: customer" in dry.stdout) == (0, True)
    assert isinstance(load_profile(place.settings.inventories, "sample-aalund"), KamstrupProfile)


def test_a_name_of_who_has_left_is_not_given_again(opsctl: Run, place: Workplace) -> None:
    place.ledger.append("new-town", "customer.offboarding-started",
                        {"last_day": date(2026, 1, 1).isoformat(), "reason": "r"}, actor="tester")
    answer = opsctl(*OWN)
    assert (answer.code, "choose another name" in answer.stderr) == (2, True)
    assert not Path(place.settings.inventories / "new-town").exists()
