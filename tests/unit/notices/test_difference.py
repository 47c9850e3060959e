"""What changed from one revision to the next: recipients, release file, facts, words; nothing read that was altered."""

from __future__ import annotations

import pytest

from opsctl.core.errors import ApprovalMissing, UsageError
from opsctl.notices.archive import changes
from opsctl.notices.service import draft
from opsctl.releases.catalogue import Catalogue
from opsctl.runs.workplace import Workplace
from tests.unit.notices.conftest import ProfileMaker
from tests.unit.notices.delivery import CUSTOMER, NOTICE
from tests.unit.notices.test_notice_draft import with_release

CONTACT = {"name": "IT Elmegaard (sample)", "email": "it@elmegaard.example", "roles": ["notices"]}


def test_the_first_revision_has_nothing_to_compare_with(workplace: Workplace, releases: Catalogue, sample: ProfileMaker
                                                        ) -> None:
    draft(workplace, sample("elmegaard"), releases=releases)
    assert changes(workplace, CUSTOMER, NOTICE)[1:] == (None, None)


def test_recipients_release_file_facts_and_words(workplace: Workplace, releases: Catalogue, sample: ProfileMaker
                                                 ) -> None:
    draft(workplace, sample("elmegaard"), releases=releases)
    second = [{**CONTACT, "language": "da"}, {**CONTACT, "name": "Anna (sample)", "email": "anna@elmegaard.example"}]
    revised = with_release(releases, "6.0.0", revision=2)
    draft(workplace, sample("elmegaard", contacts=second, ready={"version": "5.5.0"}), releases=revised)
    now, before, found = changes(workplace, CUSTOMER, NOTICE)
    assert found is not None and before is not None and (before.number, now.number) == (1, 2)
    assert "it@elmegaard.example: language en -> da" in found.recipients
    assert "added: Anna (sample) <anna@elmegaard.example>, en" in found.recipients
    assert found.release == ("release.revision: 1 -> 2",)
    assert "installed.version: 5.4.0 -> 5.5.0" in found.facts
    assert list(found.texts) == ["it@elmegaard.example"], "a new contact has nothing to compare with"
    assert any(line.startswith("-Dear IT Elmegaard") for line in found.texts["it@elmegaard.example"])
    draft(workplace, sample("elmegaard", contacts=second[1:], ready={"version": "5.5.0"}), releases=revised)
    third = changes(workplace, CUSTOMER, NOTICE)[2]
    assert third is not None
    assert third.recipients == ("removed: IT Elmegaard (sample) <it@elmegaard.example>",)
    assert not third.facts and not third.release
    over_two = changes(workplace, CUSTOMER, NOTICE, since=1)[2]
    assert over_two is not None and over_two.release == ("release.revision: 1 -> 2",)


@pytest.mark.parametrize("name", ["notice.json", "message.txt"])
def test_an_altered_draft_is_not_shown(workplace: Workplace, releases: Catalogue, sample: ProfileMaker, name: str
                                       ) -> None:
    draft(workplace, sample("elmegaard"), releases=releases)
    draft(workplace, sample("elmegaard", ready={"version": "5.5.0"}), releases=releases)
    path = workplace.drafts / CUSTOMER / NOTICE / "1" / name
    path.write_bytes(path.read_bytes().replace(b"READY", b"REEDY"))
    with pytest.raises(ApprovalMissing, match=name):
        changes(workplace, CUSTOMER, NOTICE)


def test_what_is_not_there_is_named(workplace: Workplace, releases: Catalogue, sample: ProfileMaker) -> None:
    with pytest.raises(UsageError, match="no notice"):
        changes(workplace, CUSTOMER, NOTICE)
    draft(workplace, sample("elmegaard"), releases=releases)
    with pytest.raises(UsageError, match="no revision 7") as caught:
        changes(workplace, CUSTOMER, NOTICE, 7)
    assert caught.value.resolution == "name one of 1"
