"""`opsctl network renew` where opsctl.yml has no authority that could sign."""

import pytest

from tests.unit.cli.conftest import Run


@pytest.mark.parametrize("how", ["--dry-run", "--yes"])
def test_what_nobody_can_sign_is_told_and_fails(how: str, opsctl: Run) -> None:
    answer = opsctl("network", "renew", "sample-aalund", how)
    assert (answer.code, "aalund-api: CANNOT be renewed: opsctl.yml has no authority" in answer.stdout) == (3, True)
    assert "set `authorities` or `acme` in opsctl.yml" in answer.stdout
    envelope = opsctl("network", "renew", "sample-aalund", how, "--json").envelope
    assert [one["component"] for one in envelope["data"]["renewals"]] == ["aalund-api"]
    assert (envelope["ok"], envelope["errors"][0]["exit_code"]) == (False, 3)
