"""The security file passes all mandatory tests of the BSI's CSAF library; what its optional tests remark is listed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.judges.mails import Mail
from tests.judges.programs import node

pytestmark = pytest.mark.slow
REMARKS = {
    "missing tlp label": "who may pass it on is agreed with each customer, not written into a file that all get",
    "missing canonical url": "the file is sent, and lies at no address",
    "missing product identification helper": "the product has no CPE or purl",
}


def test_each_security_file_is_valid(mails: list[Mail]) -> None:
    # Kinds and languages that tell of the same vulnerabilities have the same file.
    paths = [*{path.read_bytes(): path for mail in mails for path in mail.folder.iterdir()
               if path.name.startswith("ready-")}.values()]
    assert paths
    for path, said in zip(paths, node("csaf.mjs", paths), strict=True):
        assert said["valid"] and said["errors"] == [] and said["tests"] > 60, (path, said["errors"])
        assert {line.partition(": ")[2] for line in said["warnings"]} <= set(REMARKS), (path, said["warnings"])


def test_the_judge_sees_what_is_wrong(mails: list[Mail], tmp_path: Path) -> None:
    good = next(path for mail in mails for path in mail.folder.iterdir() if path.name.startswith("ready-"))
    document = json.loads(good.read_text(encoding="utf-8"))
    document["vulnerabilities"][0]["product_status"]["fixed"] = ["not-in-the-tree"]
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps(document), encoding="utf-8")
    [said] = node("csaf.mjs", [bad])
    assert not said["valid"] and said["errors"]
