"""The mails that all judges read, written once."""

from __future__ import annotations

import pytest

from tests.judges.mails import Mail, every


@pytest.fixture(scope="session")
def mails(tmp_path_factory: pytest.TempPathFactory) -> list[Mail]:
    return every(tmp_path_factory.mktemp("mails"))
