"""Who was told of a release: what is about the release, and what is about something else or about what was told."""

from __future__ import annotations

from collections.abc import Sequence

from opsctl.fleet.drafts import draft_due
from opsctl.notices.approval import known
from opsctl.notices.by_hand import ModuleSource
from opsctl.notices.coverage import Row, coverage
from opsctl.notices.model import NoticeKind
from opsctl.notices.service import draft, draft_written
from opsctl.profiles.model import Profile
from opsctl.releases.catalogue import Catalogue
from opsctl.runs.workplace import Workplace
from tests.unit.notices.conftest import ProfileMaker
from tests.unit.notices.delivery import accepted
from tests.unit.notices.test_notice_draft import with_release
from tests.unit.notices.test_recalls import REVISED, TAKEN, TWO
from tests.unit.notices.test_written_notices import MODULE


def delivered(workplace: Workplace, profile: Profile) -> None:
    """What was drafted last, to everybody."""
    newest = known(workplace, profile.customer)[-1]
    for contact in range(len(newest.contacts)):
        accepted(workplace, newest, profile.customer, contact)


def seen(rows: Sequence[Row]) -> list[tuple[str, str, str]]:
    return [(row.informed, row.notice or row.reason, row.contact.partition(" ")[0]) for row in rows]


def test_a_proposal_of_a_module_tells_nobody_of_its_release(workplace: Workplace, releases: Catalogue,
                                                           sample: ProfileMaker) -> None:
    profile = sample("elmegaard", language="en")
    source = ModuleSource.model_validate({**MODULE, "release": "6.0.0"})
    draft_written(workplace, profile, NoticeKind.MODULE_PROPOSAL, source, releases=releases)
    assert [row.reason for row in coverage(workplace, [profile], "6.0.0")] == ["not drafted"]
    delivered(workplace, profile)
    assert seen(coverage(workplace, [profile], "6.0.0")) == [("no", "not drafted", "")]
    assert coverage(workplace, [], "6.0.0") == (), "nor when the customer has left"
    draft(workplace, profile, releases=releases)
    delivered(workplace, profile)
    [row] = coverage(workplace, [profile], "6.0.0")
    assert (row.informed, row.notice) == ("yes", "release-6.0.0")


def test_who_got_only_a_withdrawal_or_a_correction_was_not_told_of_the_release(
        workplace: Workplace, releases: Catalogue, sample: ProfileMaker) -> None:
    first = sample("elmegaard", contacts=TWO[:1])
    draft(workplace, first, releases=releases)
    delivered(workplace, first)
    both = sample("elmegaard", contacts=TWO)
    for changed, notice in ((REVISED, "correction-6.0.0.r2"), ({**REVISED, **TAKEN}, "withdrawal-6.0.0")):
        for _ in draft_due(workplace, both, with_release(releases, "6.0.0", **changed), notice.partition("-")[0]):
            delivered(workplace, both)
    assert seen(coverage(workplace, [both], "6.0.0")) == [
        ("yes", "release-6.0.0", "It"),
        *(("yes", notice, name) for notice in ("correction-6.0.0.r2", "withdrawal-6.0.0") for name in ("It", "Ops")),
        ("no", "a contact of the profile, in no notice of the release that was sent", "Ops")]
