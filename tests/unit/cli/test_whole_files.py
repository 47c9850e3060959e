"""A page that is replaced in one step: under a real limit of the file's size the old one stays."""

import os
import resource
import signal
from pathlib import Path

import pytest

from opsctl.cli.files import write_whole
from opsctl.core.errors import OperationFailed


def test_a_page_that_does_not_fit_leaves_the_old_one(tmp_path: Path) -> None:
    page = tmp_path / "fleet.html"
    write_whole(page, b"old", mode=0o600)
    assert (page.read_bytes(), page.stat().st_mode & 0o777) == (b"old", 0o600)
    before, ignored = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with pytest.raises(OperationFailed, match="cannot be written"):
            write_whole(page, b"x" * 5000, mode=0o600)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert page.read_bytes() == b"old" and os.listdir(tmp_path) == ["fleet.html"]  # noqa: PTH208
    write_whole(page, b"new", mode=0o600)
    assert page.read_bytes() == b"new"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "page")
    write_whole(tmp_path / "link", b"page", mode=0o600)
    assert (tmp_path / "link").is_symlink() and (tmp_path / "page").read_bytes() == b"page"
