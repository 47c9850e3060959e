"""What a drafted notice is about, found again from the profile, the release files and the ledger of now."""

from __future__ import annotations

from opsctl.contract.services import PRODUCT
from opsctl.core.errors import ApprovalMissing
from opsctl.notices import history
from opsctl.notices.due import due
from opsctl.notices.model import Facts, NoticeKind
from opsctl.notices.outbox import overtaken
from opsctl.notices.planning import plan
from opsctl.notices.register import KINDS, Revision, revisions
from opsctl.notices.writing import plan_written
from opsctl.profiles.model import Profile
from opsctl.releases.catalogue import Catalogue
from opsctl.releases.model import Release, ReleaseStatus
from opsctl.releases.version import Version
from opsctl.runs.installed import as_installed
from opsctl.runs.workplace import Workplace


def refound(workplace: Workplace, profile: Profile, catalogue: Catalogue, draft: Revision, again: str) -> Facts:
    """The facts as they would be drafted now; ApprovalMissing, with `again` for what to do, when there are none."""
    profile = as_installed(workplace, profile)
    if draft.notice == f"release-{draft.release}":
        return _release(workplace, profile, catalogue, draft, again)
    written = history.written(workplace, profile.customer, draft.notice)
    mine = next((one for one in written if one.number == draft.number), None)
    if mine is not None:
        _require_ahead(workplace, profile, catalogue, draft, again)
        before = [one for one in written if one.number < draft.number]
        found = plan_written(profile, catalogue, workplace.clock.now(), mine.kind, mine.source, before,
                             history.reported(workplace, profile)).facts
    else:
        plans = [plan(profile, catalogue, workplace.clock.now(), history.reported(workplace, profile)),
                 *due(profile, catalogue, workplace.clock.now(), history.told(workplace, profile.customer))]
        found = next((one.facts for one in plans if one.facts is not None and one.facts.notice == draft.notice), None)
    if found is None:
        raise ApprovalMissing(f"{profile.customer}: {draft.notice} is not due any more; it is not sent", again)
    return found


def _require_ahead(workplace: Workplace, profile: Profile, catalogue: Catalogue, draft: Revision, again: str) -> None:
    """ApprovalMissing for an announcement that comes too late, or of a release that was withdrawn."""
    drafts = revisions(workplace.ledger.entries(profile.customer, kinds=KINDS))
    mine = next(one for one in drafts if (one.notice, one.number) == (draft.notice, draft.number))
    late = overtaken(mine, drafts, workplace.clock.now())
    if late:
        raise ApprovalMissing(f"{profile.customer}: {draft.notice} revision {draft.number} comes too late: {late}",
                              again)
    release = catalogue.get(Version.parse(draft.release)) if draft.release else None
    if draft.kind is NoticeKind.PLANNED and (release is None or release.status is not ReleaseStatus.PUBLISHED):
        raise _gone(profile, draft, release, again)


def _gone(profile: Profile, draft: Revision, release: Release | None, again: str) -> ApprovalMissing:
    what = "has no release file any more" if release is None else f"is {release.status.value}"
    return ApprovalMissing(f"{profile.customer}: {PRODUCT} {draft.release} {what}; its notice is not sent", again)


def _release(workplace: Workplace, profile: Profile, catalogue: Catalogue, draft: Revision, again: str) -> Facts:
    release = catalogue.get(Version.parse(draft.release))
    if release is None or release.status is not ReleaseStatus.PUBLISHED:
        raise _gone(profile, draft, release, again)
    found = plan(profile, catalogue, workplace.clock.now(), history.reported(workplace, profile))
    if found.facts is None:
        raise ApprovalMissing(f"{profile.customer}: there is nothing to tell: {found.reason}",
                              "correct `ready.version` in the profile if that is wrong")
    if found.facts.notice != draft.notice:
        raise ApprovalMissing(f"{profile.customer}: what this customer is told of now is {PRODUCT} "
                              f"{found.facts.release} ({found.facts.notice}), not {draft.notice}", again)
    return found.facts
