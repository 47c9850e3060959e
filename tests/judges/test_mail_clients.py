"""What mail readers lack of what the notices use is listed in mail-clients.yml, with why that does no harm."""

from __future__ import annotations

import pytest
import yaml

from tests.judges.mails import Mail
from tests.judges.programs import FOLDER, node

pytestmark = pytest.mark.slow
ALLOWED = yaml.safe_load((FOLDER / "mail-clients.yml").read_text(encoding="utf-8"))


def test_only_features_with_a_reason_are_used(mails: list[Mail]) -> None:
    found = node("clients.mjs", [mail.folder / "message.html" for mail in mails])
    lacking = {title for title, readers in found.items() if "errors" in readers}
    assert lacking == set(ALLOWED["none"]), "features that some mail reader does not have at all"
    partly = {title for titles in ALLOWED["partial"].values() for title in titles}
    assert set(found) - lacking == partly, "features that some mail reader has in part"
    assert all(len(reason.split()) > 3 for reason in ALLOWED["none"].values())
