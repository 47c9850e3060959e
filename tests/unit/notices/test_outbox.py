"""Which notices still count, and which are looked at when none is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from opsctl.notices.model import NoticeKind
from opsctl.notices.outbox import current, to_send
from opsctl.notices.register import Approval, Attempt, Revision
from opsctl.releases.version import Version

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
INSTALLED = Version.parse("5.4.0")


def made(notice: str, *states: str, number: int = 1, approved: bool = True, kind: NoticeKind = NoticeKind.UPDATE
         ) -> Revision:
    release = notice.partition("-")[2] if kind is NoticeKind.UPDATE else ""
    attempts = {f"contact-{index}": Attempt(f"notice.{state}", NOW) for index, state in enumerate(states)}
    return Revision(notice, number, release, kind, "00", ("contact-0", "contact-1"), "jens", NOW, NOW, (), {},
                    Approval("anna", NOW, "00", "") if approved or states else None, attempts)


PLATFORM = made("platform.2026-11", kind=NoticeKind.PLATFORM, approved=False)
OLD, NEW = made("release-5.5.0", approved=False), made("release-6.0.0", approved=False)


def test_of_releases_only_the_last_counts_and_of_a_notice_its_newest_revision() -> None:
    again = made("release-6.0.0", number=2, approved=False)
    assert current([OLD, PLATFORM, NEW, again], INSTALLED) == (PLATFORM, again)
    assert current([NEW, OLD], INSTALLED) == (OLD,), "a withdrawn one gives way to the one drafted after it"
    assert current([NEW, PLATFORM], Version.parse("6.0.0")) == (PLATFORM,)
    assert current([NEW], None) == (NEW,), "the installed version is not known"


def test_of_the_reminders_of_one_end_the_last_counts_while_it_is_the_customer_s() -> None:
    year, quarter = (ending(f"end-of-support-5.4.0.d{days}") for days in (365, 90))
    licence = replace(year, notice="licence.sample-maps.2028-06-30.d30", kind=NoticeKind.LICENCE_EXPIRY, release="")
    assert current([year, licence], INSTALLED) == (year, licence)
    assert current([year, quarter, licence], INSTALLED) == (quarter, licence)
    assert current([year, quarter, licence], Version.parse("5.5.0")) == (licence,), "it ends for somebody else"


def ending(notice: str) -> Revision:
    return replace(made(notice, kind=NoticeKind.END_OF_SUPPORT, approved=False), release="5.4.0")


@pytest.mark.parametrize(("drafts", "names"), [
    ([], ()),
    ([NEW], ("release-6.0.0",)),
    ([NEW, PLATFORM], ("platform.2026-11",)),
    ([made("release-6.0.0"), PLATFORM], ("release-6.0.0",)),
    ([made("release-5.5.0"), NEW], ("release-6.0.0",)),
    ([made("release-6.0.0", "accepted"), made("platform.2026-11", kind=NoticeKind.PLATFORM)],
     ("release-6.0.0", "platform.2026-11")),
    ([made("release-6.0.0", "accepted", "bounced"), PLATFORM], ("release-6.0.0",)),
    ([made("release-6.0.0", "accepted", "accepted"), PLATFORM], ("release-6.0.0",)),
    ([made("release-6.0.0", "accepted", "accepted"), made("platform.2026-11", kind=NoticeKind.PLATFORM)],
     ("platform.2026-11",)),
    ([made("release-5.5.0", "unknown"), made("release-6.0.0")], ("release-6.0.0",)),
], ids=["nothing", "not approved", "newest", "the approved one", "an approval that was overtaken", "both", "bounced",
        "sent already", "only what is left", "unknown and overtaken"])
def test_what_is_sent_when_no_notice_is_named(drafts: list[Revision], names: tuple[str, ...]) -> None:
    assert to_send(drafts, INSTALLED) == names


def of_release(notice: str, *states: str, number: int = 1) -> Revision:
    kind = NoticeKind.SECURITY if notice.startswith("security") else NoticeKind.UPDATE
    return replace(made(notice, *states, number=number, kind=kind), release=notice.partition("-")[2])


WITHIN, BEYOND = of_release("release-5.5.0"), of_release("security-6.0.0")
VALID, ENDED = frozenset({"release", "security"}), frozenset({"security"})


@pytest.mark.parametrize(("drafts", "beside", "counting"), [
    ([WITHIN, BEYOND], VALID, ["release-5.5.0", "security-6.0.0"]),
    ([BEYOND, WITHIN], VALID, ["release-5.5.0", "security-6.0.0"]),
    ([WITHIN, BEYOND, of_release("release-5.5.1")], VALID, ["release-5.5.1", "security-6.0.0"]),
    ([WITHIN, BEYOND, of_release("security-6.1.0")], VALID, ["release-5.5.0", "security-6.1.0"]),
    ([of_release("security-5.5.0"), WITHIN, BEYOND], VALID, ["release-5.5.0", "security-6.0.0"]),
    ([of_release("release-6.0.0"), WITHIN], VALID, ["release-5.5.0"]),
    ([of_release("release-6.0.0"), BEYOND], VALID, ["security-6.0.0"]),
    ([WITHIN, BEYOND], ENDED, ["security-6.0.0"]),
    ([WITHIN, of_release("security-5.5.0"), BEYOND], ENDED, ["security-5.5.0", "security-6.0.0"]),
    ([WITHIN, BEYOND], frozenset(), ["security-6.0.0"]),
    ([BEYOND, of_release("release-6.0.0")], frozenset(), ["release-6.0.0"]),
], ids=["both", "in whatever order", "the next within", "the next beyond", "the agreement was renewed",
        "majors were left out", "nothing within", "the agreement has ended", "ended, both close vulnerabilities",
        "ended, with majors", "renewed, with majors"])
def test_what_only_a_major_closes_stands_beside_the_release_within(drafts: list[Revision], beside: frozenset[str],
                                                                   counting: list[str]) -> None:
    assert sorted(draft.notice for draft in current(drafts, INSTALLED, beside=beside)) == counting
    assert sorted(to_send(drafts, INSTALLED, beside=beside)) == counting


def test_after_the_update_only_what_is_beyond_it_counts() -> None:
    assert current([WITHIN, BEYOND], Version.parse("5.5.0"), beside=VALID) == (BEYOND,)
    assert current([WITHIN, BEYOND], None, beside=VALID) == (BEYOND,), "without a version nothing is within it"
