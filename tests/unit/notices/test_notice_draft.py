"""Drafting for real: gate, ledger, files; the same inputs twice; what changes a revision."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from opsctl.core.clock import FixedClock
from opsctl.core.errors import ExitCode, NotCovered
from opsctl.core.outcome import Outcome, Status
from opsctl.ledger import Entry
from opsctl.notices.approval import known
from opsctl.notices.service import draft, draft_plan, due_plans
from opsctl.profiles.loader import load_profiles
from opsctl.profiles.model import Profile
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.model import ADAPTER
from opsctl.releases.version import Version
from opsctl.runs.workplace import Workplace
from tests.unit.notices.conftest import ROOT, ProfileMaker
from tests.unit.notices.delivery import CUSTOMER, accepted

NAMES = {"message.txt", "message.html", "message.eml", "notice.json", "ready-6_0_0.json"}
EXPIRED = {"reference": "SMA-1", "valid_from": "2020-01-01", "valid_to": "2026-11-22"}
NO_MAJORS = {"reference": "SMA-1", "valid_from": "2020-01-01", "valid_to": "2030-01-01",
             "entitlements": {"major": False}}


def drafted(workplace: Workplace, customer: str = "sample-elmegaard") -> list[Entry]:
    return list(workplace.ledger.entries(customer, kinds=("notice.drafted",)))


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def with_release(releases: Catalogue, version: str, **changed: Any) -> Catalogue:
    parsed = Version.parse(version)
    data = {**releases.releases[parsed].model_dump(mode="json", by_alias=True), **changed}
    return Catalogue({**releases.releases, parsed: ADAPTER.validate_python(data)}, releases.files)


def harmless(releases: Catalogue) -> Catalogue:
    """The releases without their vulnerabilities."""
    def of(release: Any) -> Any:
        data = release.model_dump(mode="json", by_alias=True)
        kept = [change for change in data["changes"] if change["type"] != "security"]
        return ADAPTER.validate_python({**data, "changes": kept})

    return Catalogue({version: of(release) for version, release in releases.releases.items()}, releases.files)


def later(workplace: Workplace, **by: float) -> None:
    assert isinstance(workplace.clock, FixedClock)
    workplace.clock.move(timedelta(**by))


@pytest.fixture
def elmegaard(sample: ProfileMaker) -> Profile:
    return sample("elmegaard")


def test_a_first_draft(workplace: Workplace, releases: Catalogue, elmegaard: Profile) -> None:
    outcome = draft(workplace, elmegaard, releases=releases)
    assert (outcome.status, outcome.service, outcome.warnings) == (Status.DONE, "software-update-major", ())
    assert outcome.summary == "release-6.0.0 (major), revision 1, drafted for 1 contact"
    folder = Path(outcome.data["folder"])
    assert folder == workplace.drafts / "sample-elmegaard" / "release-6.0.0" / "1"
    assert {path.name for path in folder.iterdir()} == NAMES
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in folder.iterdir())
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o700 for path in [folder, *folder.parents][:4])
    assert not list(workplace.drafts.rglob("*.unfinished"))


def test_the_evidence_names_the_draft_and_nobody(workplace: Workplace, releases: Catalogue, elmegaard: Profile) -> None:
    outcome = draft(workplace, elmegaard, releases=releases)
    [entry] = drafted(workplace)
    payload = entry.payload
    assert {key: payload[key] for key in ("notice", "revision", "release", "from", "kind")} == {
        "notice": "release-6.0.0", "revision": 1, "release": "6.0.0", "from": "5.4.0", "kind": "major"}
    assert payload["sha256"] == outcome.data["sha256"]
    assert entry.run == outcome.run
    [reference] = payload["recipients"]
    assert workplace.ledger.personal(reference) == "IT Elmegaard (sample) <it@elmegaard.example>"
    chain = "\n".join(json.dumps(dict(found.payload)) for found in workplace.ledger.entries())
    assert "@" not in chain and "IT Elmegaard" not in chain
    assert "@" not in json.dumps(dict(outcome.data)) and "IT Elmegaard" not in outcome.summary
    assert workplace.ledger.verify().sound


def test_notice_json_covers_every_file(workplace: Workplace, releases: Catalogue, elmegaard: Profile) -> None:
    from hashlib import sha256

    outcome = draft(workplace, elmegaard, releases=releases)
    files = content(Path(outcome.data["folder"]))
    summary = json.loads(files.pop("notice.json"))
    assert summary["sha256"] == {name: sha256(found).hexdigest() for name, found in files.items()}
    assert sha256((Path(outcome.data["folder"]) / "notice.json").read_bytes()).hexdigest() == outcome.data["sha256"]
    assert summary["recipients"][0]["address"] == "it@elmegaard.example"
    assert summary["facts"]["path"]["contained"] == ["5.4.1"]
    assert [hop["version"] for hop in summary["facts"]["path"]["hops"]] == ["5.5.0", "6.0.0"]


def test_the_same_again_is_no_new_revision(workplace: Workplace, releases: Catalogue, elmegaard: Profile) -> None:
    first = draft(workplace, elmegaard, releases=releases)
    before = content(Path(first.data["folder"]))
    later(workplace, days=9)
    again = draft(workplace, elmegaard, releases=releases)
    assert again.status is Status.UNCHANGED and again.summary.endswith("already drafted")
    assert again.data == first.data and content(Path(first.data["folder"])) == before
    assert len(drafted(workplace)) == 1 and len(list(workplace.drafts.rglob("notice.json"))) == 1


def test_the_same_inputs_give_the_same_bytes_anywhere(workplace: Workplace, releases: Catalogue, elmegaard: Profile,
                                                      tmp_path: Path) -> None:
    from dataclasses import replace

    from opsctl.ledger import open_ledger

    first = draft(workplace, elmegaard, releases=releases)
    ledger = open_ledger(f"sqlite:///{tmp_path}/other/ledger.db", workplace.clock)
    other = replace(workplace, ledger=ledger, drafts=tmp_path / "elsewhere", runs=tmp_path / "other-runs")
    second = draft(other, elmegaard, releases=releases)
    ledger.close()
    assert content(Path(first.data["folder"])) == content(Path(second.data["folder"]))


def test_another_wording_is_another_revision(workplace: Workplace, releases: Catalogue, elmegaard: Profile) -> None:
    first = draft(workplace, elmegaard, releases=releases)
    path = workplace.settings.templates / "notices" / "languages" / "messages.pot"
    path.write_text(path.read_text(encoding="utf-8").replace("Dear {name}", "Good day, {name}"), encoding="utf-8")
    later(workplace, hours=1)
    second = draft(workplace, elmegaard, releases=releases)
    assert (second.status, second.data["revision"]) == (Status.DONE, 2)
    assert drafted(workplace)[-1].payload["changed"] == ["wording"]
    text = (Path(second.data["folder"]) / "message.txt").read_text(encoding="utf-8")
    assert "Changed since revision 1: wording or contact data" in text and "Good day, IT Elmegaard" in text
    assert Path(first.data["folder"]).is_dir(), "the earlier revision is kept"
    assert draft(workplace, elmegaard, releases=releases).status is Status.UNCHANGED


def test_who_has_the_message_is_not_told_again_in_other_words(workplace: Workplace, releases: Catalogue,
                                                             elmegaard: Profile, sample: ProfileMaker) -> None:
    draft(workplace, elmegaard, releases=releases)
    accepted(workplace, known(workplace, CUSTOMER)[0])
    path = workplace.settings.templates / "notices" / "languages" / "messages.pot"
    path.write_text(path.read_text(encoding="utf-8").replace("Dear {name}", "Good day, {name}"), encoding="utf-8")
    again = draft(workplace, elmegaard, releases=releases)
    assert (again.status, again.data["revision"], len(drafted(workplace))) == (Status.UNCHANGED, 1, 1)
    contact = {**elmegaard.contacts[0].model_dump(mode="json"), "email": "other@elmegaard.example"}
    other = sample("elmegaard", contacts=[contact])
    assert draft(workplace, other, releases=releases).data["revision"] == 2, "another contact has not been told"
    assert draft(workplace, elmegaard, releases=with_release(releases, "6.0.0", action_required={}, revision=2)
                 ).data["revision"] == 3, "other facts are told"


def test_what_changed_is_named(workplace: Workplace, releases: Catalogue, elmegaard: Profile, sample: ProfileMaker
                               ) -> None:
    draft(workplace, elmegaard, releases=releases)
    changed = with_release(releases, "6.0.0", action_required={}, revision=2)
    assert draft(workplace, elmegaard, releases=changed).data["revision"] == 2
    moved = sample("elmegaard", ready={"version": "5.5.0", "modules": ["ready-core"]})
    assert draft(workplace, moved, releases=changed).data["revision"] == 3
    contact = {**elmegaard.contacts[0].model_dump(mode="json"), "email": "other@elmegaard.example"}
    told = sample("elmegaard", ready={"version": "5.5.0", "modules": ["ready-core"]}, contacts=[contact])
    assert draft(workplace, told, releases=changed).data["revision"] == 4
    assert [entry.payload["changed"] for entry in drafted(workplace)] == [
        [], ["release", "action"], ["installed", "path", "changes", "support", "customer"], ["contacts"]]


def test_a_lost_folder_is_written_again_from_the_same_inputs(workplace: Workplace, releases: Catalogue,
                                                             elmegaard: Profile) -> None:
    import shutil

    first = draft(workplace, elmegaard, releases=releases)
    folder = Path(first.data["folder"])
    before = content(folder)
    shutil.rmtree(workplace.drafts)
    later(workplace, days=1)
    assert draft(workplace, elmegaard, releases=releases).status is Status.UNCHANGED
    assert content(folder) == before and len(drafted(workplace)) == 1


@pytest.mark.parametrize("name", sorted(NAMES))
def test_an_altered_draft_is_left_and_drafted_again(workplace: Workplace, releases: Catalogue, elmegaard: Profile,
                                                    name: str) -> None:
    path = Path(draft(workplace, elmegaard, releases=releases).data["folder"]) / name
    path.write_bytes(path.read_bytes() + b"x")
    second = draft(workplace, elmegaard, releases=releases)
    assert (second.status, second.data["revision"]) == (Status.DONE, 2)
    assert path.read_bytes().endswith(b"x") and drafted(workplace)[-1].payload["changed"] == ["again"]


def test_files_without_evidence_are_replaced(workplace: Workplace, releases: Catalogue, elmegaard: Profile) -> None:
    """As after a crash between writing and recording."""
    folder = workplace.drafts / "sample-elmegaard" / "release-6.0.0" / "1"
    folder.mkdir(parents=True)
    (folder / "message.txt").write_text("half", encoding="utf-8")
    beside = folder.with_name(".1.unfinished")
    beside.mkdir()
    assert draft(workplace, elmegaard, releases=releases).status is Status.DONE
    assert {path.name for path in folder.iterdir()} == NAMES and not beside.exists()


def test_each_contact_gets_its_own_message_in_its_language(workplace: Workplace, releases: Catalogue,
                                                           sample: ProfileMaker) -> None:
    contacts = [{"name": "Anna (sample)", "email": "anna@elmegaard.example", "roles": ["notices"], "language": "da"},
                {"name": "Contract (sample)", "email": "contract@elmegaard.example", "roles": ["contract"]},
                {"name": "Jörg (sample)", "email": "joerg@elmegaard.example", "roles": ["notices"], "language": "de"}]
    outcome = draft(workplace, sample("elmegaard", contacts=contacts), releases=releases)
    assert outcome.data["recipients"] == 2 and outcome.data["languages"] == ["da", "de"]
    files = content(Path(outcome.data["folder"]))
    assert set(files) == NAMES | {"message-2.txt", "message-2.html", "message-2.eml"}
    first, second = (message_from_bytes(files[name], policy=policy.SMTP) for name in ("message.eml", "message-2.eml"))
    assert (str(first["To"]), first["Content-Language"]) == ('"Anna (sample)" <anna@elmegaard.example>', "da")
    assert (str(second["To"]), second["Content-Language"]) == ('"Jörg (sample)" <joerg@elmegaard.example>', "de")
    assert first["Message-ID"] != second["Message-ID"]
    for name, others in (("message", (b"joerg", "Jörg".encode())), ("message-2", (b"anna", b"Anna"))):
        for suffix in ("txt", "html"):
            assert not any(other in files[f"{name}.{suffix}"] for other in others)
    assert b"contract@" not in b"".join(files.values()), "a contact without the role is told nothing"


def test_who_is_told_of_vulnerabilities_alone(workplace: Workplace, releases: Catalogue, sample: ProfileMaker) -> None:
    contacts = [{"name": "IT (sample)", "email": "it@elmegaard.example", "roles": ["notices"]},
                {"name": "CERT (sample)", "email": "cert@elmegaard.example", "roles": ["security"]}]
    told = draft(workplace, sample("elmegaard", contacts=contacts), releases=releases)
    assert told.data["recipients"] == 2, "READY 6.0.0 closes a vulnerability"
    ordinary = draft(workplace, sample("elmegaard", contacts=contacts), releases=harmless(releases))
    assert ordinary.data["recipients"] == 1


@pytest.mark.parametrize(("short", "message"), [("aalund", "P12"), ("birkeby", "P12"), ("cedervig", "P1")])
def test_a_system_that_kamstrup_hosts_gets_no_update_notice(workplace: Workplace, releases: Catalogue,
                                                            sample: ProfileMaker, short: str, message: str) -> None:
    with pytest.raises(NotCovered, match=message):
        draft(workplace, sample(short), releases=releases)
    assert not list(workplace.ledger.entries()) and not workplace.drafts.exists()


def test_the_gate_speaks_before_wrong_release_files(workplace: Workplace, releases: Catalogue, sample: ProfileMaker
                                                    ) -> None:
    wrong = with_release(releases, "6.0.0", upgrade={"from": ">=5.9.0 <6.0.0"})
    with pytest.raises(NotCovered):
        draft(workplace, sample("aalund"), releases=wrong)
    outcome = draft(workplace, sample("elmegaard"), releases=wrong)
    assert (outcome.status, outcome.code) == (Status.FAILED, ExitCode.CONFIGURATION)
    assert "does not install over" in outcome.summary and not drafted(workplace)


def test_an_ended_agreement_stops_notices(workplace: Workplace, releases: Catalogue, sample: ProfileMaker) -> None:
    with pytest.raises(NotCovered, match="P05"):
        draft(workplace, sample("elmegaard", agreement=EXPIRED), releases=harmless(releases))


def test_security_notices_go_on_after_an_agreement_has_ended(workplace: Workplace, releases: Catalogue,
                                                             sample: ProfileMaker) -> None:
    outcome = draft(workplace, sample("elmegaard", agreement=EXPIRED), releases=releases)
    assert (outcome.status, outcome.data["notice"], outcome.data["kind"]) == (
        Status.DONE, "security-6.0.0", "security")
    assert any("P05" in warning for warning in outcome.warnings), "the gate says that only this goes on"
    text = " ".join((Path(outcome.data["folder"]) / "message.txt").read_text(encoding="utf-8").split())
    assert "CVE-1900-10600" in text and "CVE-1900-10541" in text and "Workaround: " in text
    for absent in ("Heat forecast", "apt-get", "ERR-0990", "Take your own backup"):
        assert absent not in text, "nothing of new value"
    assert "is not in force" in text
    [entry] = drafted(workplace)
    assert (entry.payload["purpose"], entry.payload["delivery"]) == ("protection", "notice")


def test_an_agreement_without_majors(workplace: Workplace, releases: Catalogue, sample: ProfileMaker) -> None:
    outcome = draft(workplace, sample("elmegaard", agreement=NO_MAJORS), releases=releases)
    assert (outcome.data["release"], outcome.service) == ("5.5.0", "software-update-minor")
    assert any("P13" in warning for warning in outcome.warnings)
    with pytest.raises(NotCovered, match="P13"):
        draft(workplace, sample("dalmose", agreement=NO_MAJORS), releases=harmless(releases))
    told = draft(workplace, sample("dalmose", agreement=NO_MAJORS), releases=releases)
    assert told.data["notice"] == "security-6.0.0", "what a vulnerability is about is no new value"


def test_a_vulnerability_that_only_an_excluded_major_closes(workplace: Workplace, releases: Catalogue,
                                                            sample: ProfileMaker) -> None:
    profile = sample("elmegaard", agreement=NO_MAJORS)
    [found] = [one for one in due_plans(workplace, profile, releases) if one.facts and one.facts.security]
    outcome = draft_plan(workplace, profile, found, releases=releases)
    text = (Path(outcome.data["folder"]) / "message.txt").read_text(encoding="utf-8")
    assert outcome.data["notice"] == "security-6.0.0" and "CVE-1900-10600" in text
    assert "CVE-1900-10541" not in text, "READY 5.5.0 closes that one, and the release notice tells of it"


def test_nothing_newer(workplace: Workplace, releases: Catalogue, sample: ProfileMaker) -> None:
    outcome = draft(workplace, sample("dalmose", ready={"version": "6.0.0"}), releases=releases)
    assert (outcome.status, outcome.summary) == (Status.UNCHANGED, "already on the newest, READY 6.0.0")
    assert not drafted(workplace, "sample-dalmose") and not workplace.drafts.exists()


def test_installed_newer_than_any_release(workplace: Workplace, releases: Catalogue, sample: ProfileMaker) -> None:
    outcome = draft(workplace, sample("elmegaard", ready={"version": "9.0.0"}), releases=releases)
    assert outcome.status is Status.WARNING
    assert "READY 9.0.0 is in no release file, and newer than 6.0.0" in outcome.summary


def test_installed_withdrawn_and_nothing_newer(workplace: Workplace, releases: Catalogue, sample: ProfileMaker) -> None:
    outcome = draft(workplace, sample("dalmose", ready={"version": "6.0.1"}), releases=releases)
    assert outcome.status is Status.WARNING and "withdrawn" in outcome.summary


def test_installed_unknown_is_drafted_with_a_warning(workplace: Workplace, releases: Catalogue, sample: ProfileMaker
                                                     ) -> None:
    outcome = draft(workplace, sample("dalmose", ready={}), releases=releases)
    assert outcome.status is Status.DONE and outcome.data["from"] is None
    assert any("not known" in warning for warning in outcome.warnings)


def test_words_missing_in_a_contact_s_language(workplace: Workplace, releases: Catalogue, sample: ProfileMaker) -> None:
    release = releases.releases[Version.parse("6.0.0")]
    changes = [change.model_dump(mode="json", exclude_none=True) for change in release.changes]
    del changes[1]["text"]["da"]
    english = with_release(releases, "6.0.0", changes=changes, summary={"en": "English alone."})
    outcome = draft(workplace, sample("dalmose"), releases=english)
    assert outcome.code is ExitCode.CONFIGURATION
    file = ROOT / "releases" / "6.0.0.yml"
    assert outcome.data["details"] == [f"{file} summary.da: is missing; translate it from en",
                                       f"{file} changes[1].text.da: is missing; translate it from en"]
    assert draft(workplace, sample("elmegaard"), releases=english).status is Status.DONE, "English has all words"


def test_samples_never_reach_a_real_customer(workplace: Workplace, releases: Catalogue, sample: ProfileMaker) -> None:
    real = sample("dalmose", sample=False)
    outcome = draft(workplace, real, releases=releases)
    assert outcome.code is ExitCode.CONFIGURATION and "brand.yml" in outcome.summary
    path = workplace.settings.templates / "notices" / "brand.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("sample: true", "sample: false"), encoding="utf-8")
    outcome = draft(workplace, real, releases=releases)
    assert outcome.code is ExitCode.CONFIGURATION and "sample release" in outcome.summary


@pytest.mark.parametrize("name", ["Boss <boss@evil.example>", "=?utf-8?q?x?=", "a, b"])
def test_a_contact_whose_name_fits_no_header(workplace: Workplace, releases: Catalogue, sample: ProfileMaker,
                                             name: str) -> None:
    contact = {"name": name, "email": "it@dalmose.example", "roles": ["notices"]}
    outcome = draft(workplace, sample("dalmose", contacts=[contact]), releases=releases)
    assert outcome.code is ExitCode.CONFIGURATION and name not in outcome.summary
    assert not drafted(workplace, "sample-dalmose") and not list(workplace.drafts.rglob("*"))


def decoded(files: dict[str, bytes]) -> Iterator[str]:
    """Each file as text; a mail also with its parts and headers decoded."""
    for name, found in files.items():
        yield found.decode("utf-8")
        if name.endswith(".eml"):
            message = message_from_bytes(found, policy=policy.SMTP)
            yield "\n".join(f"{key}: {value}" for key, value in message.items())
            yield from (part.get_content() for part in message.walk() if part.get_content_maintype() == "text")


def test_no_customer_s_data_in_another_s_message(workplace: Workplace, releases: Catalogue) -> None:
    profiles, errors = load_profiles(ROOT / "inventories")
    assert not errors and len(profiles) >= 5
    outcomes: dict[str, Outcome] = {}
    for profile in profiles:
        if profile.hosting == "customer":
            outcomes[profile.customer] = draft(workplace, profile, releases=releases)
    assert len(outcomes) == 2
    for customer, outcome in outcomes.items():
        texts = list(decoded(content(Path(outcome.data["folder"]))))
        own = next(profile for profile in profiles if profile.customer == customer)
        assert any(own.name in text for text in texts)
        for other in profiles:
            if other.customer == customer:
                continue
            short = other.customer.removeprefix("sample-")
            private = [other.customer, other.name, short, *other.domains,
                       *(value for contact in other.contacts for value in (contact.name, contact.email)),
                       *([other.agreement.reference] if other.agreement else [])]
            for text in texts:
                assert not [value for value in private if value.lower() in text.lower()]
