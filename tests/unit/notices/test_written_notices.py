"""Notices from a file of facts: who may get them, what has to go before, what changes a revision."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml

from opsctl.core.errors import ConfigurationError, ExitCode, NotCovered, UsageError
from opsctl.core.outcome import Outcome, Status
from opsctl.fleet.drafts import draft_due
from opsctl.notices import by_hand, register
from opsctl.notices.approval import known
from opsctl.notices.model import NoticeKind
from opsctl.notices.reminders import check
from opsctl.notices.service import draft_written
from opsctl.notices.standing import require_standing
from opsctl.profiles.loader import load_profiles
from opsctl.profiles.model import Profile
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.version import Version
from opsctl.runs.workplace import Workplace
from tests.unit.notices.conftest import ROOT, ProfileMaker
from tests.unit.notices.delivery import accepted, ended
from tests.unit.notices.test_notice_draft import EXPIRED, decoded

PLANNED, CHANGED = NoticeKind.MAINTENANCE_PLANNED, NoticeKind.MAINTENANCE_CHANGED
WORK: dict[str, Any] = {
    "schema_version": 1, "id": "2026-12-database", "start": "2026-12-04T21:00:00+01:00",
    "end": "2026-12-04T23:00:00+01:00", "impact": "outage", "systems": ["READY"],
    "summary": {"en": "We update the database server.", "da": "Vi opdaterer databaseserveren."}}
LATER = {**WORK, "start": "2026-12-05T21:00:00+01:00", "end": "2026-12-05T23:00:00+01:00",
         "reason": {"en": "A part came late.", "da": "En del kom for sent."}}
INSTALL = {"schema_version": 1, "release": "6.0.0", "start": "2026-12-04T21:00:00+01:00",
           "end": "2026-12-04T22:00:00+01:00"}
MODULE = {"schema_version": 1, "release": "6.0.0", "module": "heat-forecast", "answer_by": "2026-12-18",
          "summary": {"en": "It estimates the demand of two days."}}


class Drafter:
    """Drafts from facts as the command does: through a file."""

    def __init__(self, workplace: Workplace, releases: Catalogue, folder: Path) -> None:
        self.workplace, self.releases, self.file = workplace, releases, folder / "facts.yml"

    def __call__(self, profile: Profile, kind: NoticeKind, facts: dict[str, Any]) -> Outcome:
        self.file.write_text(yaml.safe_dump(facts, sort_keys=False).replace("'2026", '2026').replace("00'", "00")
                             .replace("18'", "18"), encoding="utf-8")
        return draft_written(self.workplace, profile, kind, by_hand.read(self.file, kind), releases=self.releases)

    def text(self, outcome: Outcome) -> str:
        found = (Path(outcome.data["folder"]) / "message.txt").read_text(encoding="utf-8")
        return " ".join(found.split())


@pytest.fixture
def write(workplace: Workplace, releases: Catalogue, tmp_path: Path) -> Drafter:
    return Drafter(workplace, releases, tmp_path)


def test_the_life_of_a_maintenance(workplace: Workplace, releases: Catalogue, sample: ProfileMaker, write: Drafter
                                   ) -> None:
    aalund = sample("aalund", language="en")
    first = write(aalund, PLANNED, WORK)
    assert (first.status, first.data["notice"], first.data["revision"]) == (
        Status.DONE, "maintenance.2026-12-database", 1)
    assert write(aalund, PLANNED, WORK).status is Status.UNCHANGED
    accepted(workplace, known(workplace, aalund.customer)[-1], aalund.customer)
    changed = write(aalund, CHANGED, LATER)
    assert changed.data["revision"] == 2 and changed.data["subjects"][0].startswith(
        "[READY] Changed: maintenance on 5 Dec 2026")
    told = write.text(changed)
    assert "Announced before: Friday 4 December 2026, 21:00-23:00 Danish time (CET, 20:00-22:00 UTC)" in told
    assert "It now takes place: Saturday 5 December 2026" in told and "A part came late." in told
    assert write(aalund, CHANGED, LATER).status is Status.UNCHANGED, "also when the earlier times are looked up again"
    cancelled = write(aalund, NoticeKind.MAINTENANCE_CANCELLED, LATER)
    assert cancelled.data["revision"] == 3 and "Status: Cancelled" in write.text(cancelled)
    ics = (Path(cancelled.data["folder"]) / "message.ics").read_text(encoding="utf-8")
    assert "SEQUENCE:2" in ics and "STATUS:CANCELLED" in ics
    for one in known(workplace, aalund.customer)[-1:]:
        assert require_standing(workplace, aalund, releases, one).facts.kind is NoticeKind.MAINTENANCE_CANCELLED


@pytest.mark.parametrize("kind", [CHANGED, NoticeKind.MAINTENANCE_CANCELLED])
def test_what_was_never_announced_is_not_changed(sample: ProfileMaker, write: Drafter, kind: NoticeKind) -> None:
    with pytest.raises(UsageError, match="no maintenance 2026-12-database was announced"):
        write(sample("aalund"), kind, LATER)


@pytest.mark.parametrize("kind", [CHANGED, NoticeKind.MAINTENANCE_CANCELLED, NoticeKind.MAINTENANCE_DONE])
@pytest.mark.parametrize("state", ["", register.REFUSED])
def test_what_nobody_was_told_of_is_not_changed_cancelled_or_done(workplace: Workplace, sample: ProfileMaker,
                                                                 write: Drafter, kind: NoticeKind, state: str) -> None:
    aalund = sample("aalund")
    write(aalund, PLANNED, WORK)
    [revision] = known(workplace, aalund.customer)
    if state:
        ended(workplace, revision, state, aalund.customer, code=550)
    with pytest.raises(UsageError, match="no maintenance 2026-12-database was announced") as caught:
        write(aalund, kind, LATER if kind is not NoticeKind.MAINTENANCE_DONE else {**WORK, "result": LATER["reason"]})
    assert "revision 1 is drafted: send it" in caught.value.resolution


@pytest.mark.parametrize("state", [register.ACCEPTED, register.UNKNOWN, register.SENDING])
def test_what_the_customer_may_have_heard_is_changed_and_not_announced_anew(
        workplace: Workplace, sample: ProfileMaker, write: Drafter, state: str) -> None:
    aalund = sample("aalund", language="en")
    write(aalund, PLANNED, WORK)
    ended(workplace, known(workplace, aalund.customer)[-1], state, aalund.customer)
    with pytest.raises(UsageError, match="announced already"):
        write(aalund, PLANNED, {name: value for name, value in LATER.items() if name != "reason"})
    assert "Announced before: Friday 4 December 2026" in write.text(write(aalund, CHANGED, LATER))


def test_an_unknown_outcome_that_was_refused_later_may_have_been_heard(workplace: Workplace, sample: ProfileMaker,
                                                                      write: Drafter) -> None:
    aalund = sample("aalund")
    write(aalund, PLANNED, WORK)
    for state in (register.UNKNOWN, register.REFUSED):
        ended(workplace, known(workplace, aalund.customer)[-1], state, aalund.customer)
    assert write(aalund, CHANGED, LATER).status is Status.DONE


def test_only_a_time_that_went_out_was_announced_before(workplace: Workplace, releases: Catalogue,
                                                       sample: ProfileMaker, write: Drafter) -> None:
    aalund = sample("aalund", language="en")
    write(aalund, PLANNED, WORK)
    accepted(workplace, known(workplace, aalund.customer)[-1], aalund.customer)
    write(aalund, CHANGED, {**LATER, "start": "2026-12-14T21:00:00+01:00", "end": "2026-12-14T23:00:00+01:00"})
    told = write.text(write(aalund, CHANGED, LATER))
    assert "Announced before: Friday 4 December 2026" in told and "14 December" not in told
    [*_, third] = known(workplace, aalund.customer)
    assert require_standing(workplace, aalund, releases, third).facts.notice == third.notice
    accepted(workplace, third, aalund.customer)
    assert "Announced before: Saturday 5 December 2026" in write.text(write(aalund, CHANGED, {
        **LATER, "start": "2026-12-14T21:00:00+01:00", "end": "2026-12-14T23:00:00+01:00"}))


def test_what_was_sent_is_changed_and_not_announced_anew(workplace: Workplace, sample: ProfileMaker, write: Drafter
                                                         ) -> None:
    aalund = sample("aalund")
    write(aalund, PLANNED, WORK)
    later = {name: value for name, value in LATER.items() if name != "reason"}
    assert write(aalund, PLANNED, later).data["revision"] == 2, "a draft may still be corrected"
    [*_, revision] = known(workplace, aalund.customer)
    accepted(workplace, revision, aalund.customer)
    with pytest.raises(UsageError, match="announced already"):
        write(aalund, PLANNED, WORK)


def test_the_check_of_a_hosted_customer_tells_what_waits_there(workplace: Workplace, releases: Catalogue,
                                                              sample: ProfileMaker, write: Drafter) -> None:
    aalund = sample("aalund")
    with pytest.raises(NotCovered):
        check(workplace, aalund, releases)
    write(aalund, PLANNED, WORK)
    found = check(workplace, aalund, releases)
    assert found.status is Status.WARNING
    assert found.summary.startswith("maintenance.2026-12-database waits for approval")


def test_maintenance_goes_on_after_the_agreement_has_ended(sample: ProfileMaker, write: Drafter) -> None:
    outcome = write(sample("aalund", agreement=EXPIRED), PLANNED, WORK)
    assert outcome.status is Status.DONE and any("P05" in warning for warning in outcome.warnings)


def test_work_that_nobody_agreed_to_is_not_announced(sample: ProfileMaker, write: Drafter) -> None:
    with pytest.raises(NotCovered, match="P50"):
        write(sample("dalmose"), PLANNED, WORK)


def test_planned_and_done_of_a_release_that_kamstrup_installs(sample: ProfileMaker, write: Drafter) -> None:
    planned = write(sample("aalund", language="en"), NoticeKind.PLANNED, INSTALL)
    told = write.text(planned)
    assert planned.data["path"] == ["5.5.0", "6.0.0"] and "CVE-1900-10541" in told
    assert "We take one before the installation" in told and "apt-get" not in told
    installed = sample("aalund", language="en", ready={"version": "6.0.0", "modules": ["ready-core"]})
    done = write(installed, NoticeKind.DONE, {**INSTALL, "result": {"en": "All went well.", "da": "Alt gik godt."}})
    assert "Version now: READY 6.0.0" in write.text(done) and "All went well." in write.text(done)
    assert "not known" not in write.text(done) and "CVE-1900-10541" not in write.text(done)
    whole = write(installed, NoticeKind.DONE, {**INSTALL, "before": "5.4.0",
                                               "result": {"en": "All went well.", "da": "Alt gik godt."}})
    told = write.text(whole)
    assert whole.data["revision"] == 2 and "Version before: READY 5.4.0" in told and "CVE-1900-10541" in told


def test_one_release_is_announced_or_notified_never_both(sample: ProfileMaker, write: Drafter) -> None:
    """P30."""
    with pytest.raises(NotCovered, match="customers are notified of releases"):
        write(sample("elmegaard"), NoticeKind.PLANNED, INSTALL)


def test_what_no_run_installed_where_the_customer_hosts_is_not_told_as_done(sample: ProfileMaker, write: Drafter
                                                                            ) -> None:
    facts = {**INSTALL, "result": {"en": "All went well.", "da": "Alt gik godt."}}
    with pytest.raises(NotCovered, match="customers are notified of releases"):
        write(sample("elmegaard"), NoticeKind.DONE, facts)


@pytest.mark.parametrize(("outcome", "title"), [(None, "READY 6.0.0 is installed"),
                                                ("taken-back", "READY 6.0.0 was not installed")])
def test_what_opsctl_installed_on_a_customer_s_hosts_is_told_as_work_by_agreement(
        sample: ProfileMaker, write: Drafter, outcome: Literal["taken-back"] | None, title: str) -> None:
    start = datetime(2026, 12, 4, 20, tzinfo=UTC)
    source = by_hand.InstallSource(schema_version=1, release=Version.parse("6.0.0"), before=Version.parse("5.4.0"),
                                   start=start, end=start + timedelta(hours=1), run="a-run", outcome=outcome)
    done = draft_written(write.workplace, sample("elmegaard"), NoticeKind.DONE, source, releases=write.releases)
    told = write.text(done)
    assert title in told and "by agreement" in told
    assert "Kamstrup hosts" not in told


def test_done_before_it_is_on_record(sample: ProfileMaker, write: Drafter) -> None:
    facts = {**INSTALL, "result": {"en": "All went well.", "da": "Alt gik godt."}}
    with pytest.raises(UsageError, match=r"the profile still says READY 5\.4\.0"):
        write(sample("aalund"), NoticeKind.DONE, facts)


@pytest.mark.parametrize("short", ["aalund", "elmegaard"])
def test_a_module_is_proposed_to_either_hosting(sample: ProfileMaker, write: Drafter, short: str) -> None:
    outcome = write(sample(short, language="en"), NoticeKind.MODULE_PROPOSAL, MODULE)
    told = write.text(outcome)
    assert outcome.data["notice"] == "module.heat-forecast" and "Heat forecast" in told
    assert "Without an answer nothing changes." in told and "only if you agree" in told
    with pytest.raises(NotCovered, match="P05"):
        write(sample(short, agreement=EXPIRED), NoticeKind.MODULE_PROPOSAL, MODULE)


def test_a_module_that_is_there_or_that_there_is_not(sample: ProfileMaker, write: Drafter) -> None:
    with pytest.raises(UsageError, match="has the module leak-alarm already"):
        write(sample("aalund"), NoticeKind.MODULE_PROPOSAL, {**MODULE, "module": "leak-alarm"})
    with pytest.raises(ConfigurationError, match="has no module cold-forecast") as caught:
        write(sample("aalund"), NoticeKind.MODULE_PROPOSAL, {**MODULE, "module": "cold-forecast"})
    assert "heat-forecast" in caught.value.resolution


def test_what_the_contract_does_not_ask_for_may_stand_in_english_and_says_so(sample: ProfileMaker, write: Drafter
                                                                             ) -> None:
    outcome = write(sample("cedervig"), PLANNED, WORK)
    told = write.text(outcome)
    assert "Der nächste Absatz ist auf Englisch, weil er noch nicht übersetzt ist: We update the database" in told
    html = (Path(outcome.data["folder"]) / "message.html").read_text(encoding="utf-8")
    assert '<p class="text" lang="en"' in html
    assert outcome.warnings == ("the file of facts summary.de: is missing; translate it from en; English stands there",)


def test_what_the_contract_asks_for_is_never_half_translated(sample: ProfileMaker, write: Drafter) -> None:
    ready = {"version": "6.0.0", "modules": ["ready-core"]}
    outcome = write(sample("aalund", ready=ready), NoticeKind.DONE, {**INSTALL, "result": {"en": "All went well."}})
    assert outcome.code is ExitCode.CONFIGURATION
    assert outcome.data["details"] == ["the file of facts result.da: is missing; translate it from en"]


def test_a_language_without_words(sample: ProfileMaker, write: Drafter, workplace: Workplace) -> None:
    contact = {"name": "Ane", "email": "ane@aalund.example", "roles": ["notices"], "language": "nb"}
    told = write.text(write(sample("aalund", contacts=[contact]), PLANNED, WORK))
    assert told.startswith("Planned maintenance") and "in English because it has not been translated yet" in told
    refused = write(sample("aalund", contacts=[contact]), NoticeKind.PLANNED, INSTALL)
    assert refused.code is ExitCode.CONFIGURATION


@pytest.mark.parametrize(("kind", "facts", "line"), [
    (PLANNED, {**WORK, "impact": "bad"}, "facts.yml:5:1 impact: must be one of"),
    (PLANNED, {**WORK, "impct": "outage"}, "impct: is not a known key; did you mean impact?"),
    (PLANNED, {**WORK, "end": "2026-12-04T20:00:00+01:00"}, "end must lie after start"),
    (PLANNED, LATER, "facts.yml:11:1 reason: is not told by a notice of kind maintenance-planned"),
    (CHANGED, WORK, "reason: is missing; a notice of kind maintenance-changed says it"),
    (NoticeKind.PLANNED, {**INSTALL, "release": "six"}, "facts.yml:2:1 release: is not a version")])
def test_wrong_facts_name_their_lines(sample: ProfileMaker, write: Drafter, kind: NoticeKind, facts: dict[str, Any],
                                      line: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        write(sample("aalund"), kind, facts)
    assert any(line in found for found in caught.value.details), caught.value.details


def test_no_customer_s_data_in_another_s_notice_of_any_kind(workplace: Workplace, releases: Catalogue, write: Drafter
                                                            ) -> None:
    profiles, _ = load_profiles(ROOT / "inventories")
    work = {**WORK, "summary": {"en": "Work.", "da": "Arbejde.", "de": "Arbeit."}}
    kinds: set[str] = set()
    for profile in profiles:
        outcomes = [*draft_due(workplace, profile, releases)]
        if profile.hosting == "kamstrup":
            outcomes += [write(profile, PLANNED, work), write(profile, NoticeKind.MODULE_PROPOSAL, {
                **MODULE, "release": "5.5.0", "module": "leak-alarm", "summary": work["summary"]})
                         ] if "leak-alarm" not in profile.ready.modules else []
        strange = [value for other in profiles if other.customer != profile.customer
                   for value in (other.customer, other.name, *other.domains, *(one.name for one in other.contacts))]
        for outcome in outcomes:
            kinds.add(str(outcome.data["kind"]))
            for text in (one for file in Path(outcome.data["folder"]).iterdir()
                         for one in decoded({file.name: file.read_bytes()})):
                assert not [value for value in strange if value.casefold() in text.casefold()]
    assert {"platform", "end-of-support", "maintenance-planned", "module-proposal"} <= kinds


def test_facts_for_a_kind_that_takes_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="platform is drafted from release files") as caught:
        by_hand.read(tmp_path / "facts.yml", NoticeKind.PLATFORM)
    assert "module-proposal" in caught.value.resolution
