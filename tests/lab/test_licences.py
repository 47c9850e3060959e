"""Licences on real hosts: the packages are listed with their licences, counted, and exported."""

import json
from pathlib import Path

import pytest

from tests.lab.guests import on
from tests.lab.surroundings import Opsctl

pytestmark = pytest.mark.lab


def test_packages_are_counted_against_what_was_bought(inventories: Path, opsctl: Opsctl, tmp_path: Path) -> None:
    profile = inventories / "sample-birkeby" / "profile.yml"
    profile.write_text(profile.read_text() + "licences:\n"
                       "  - {product: Meter tools, vendor: Sample Tools, metric: hosts, quantity: 2, "
                       "packages: [metertools], held_at: archive}\n")
    checked = opsctl("licence", "check", "sample-birkeby", "--json")
    outcome = checked.envelope["data"]["outcomes"][0]
    assert (checked.code, outcome["status"]) == (0, "warning"), checked
    findings = {finding["product"]: finding["said"] for finding in outcome["data"]["findings"]
                if finding["product"] != "Meter tools" or "bought" in finding["said"]}
    asked = "dpkg-query -W -f '${db:Status-Abbrev}' metertools 2> /dev/null || true"
    holders = [host for host in ("birkeby-app", "birkeby-db") if on(host, asked)[:2] in {"ii", "hi"}]
    assert findings["Meter tools"] == f"2 hosts bought, {len(holders)} used"
    profile.write_text(profile.read_text().replace("quantity: 2", "quantity: 0"))
    assert opsctl("licence", "check", "sample-birkeby").code == (8 if holders else 0)
    file = tmp_path / "bom.json"
    assert opsctl("licence", "export", "sample-birkeby", "--output", str(file)).code == 0
    components = json.loads(file.read_text())["components"]
    count = sum(int(on(host, "dpkg-query -W -f '${db:Status-Abbrev}\\n' | grep -c '^[ih]i'"))
                for host in ("birkeby-app", "birkeby-db"))
    assert len(components) == count
    bash = next(one for one in components if one["name"] == "bash")
    assert any("GPL-3" in one["license"]["name"] for one in bash["licenses"])
    recorded = [json.loads(line) for line in opsctl("ledger", "export", "sample-birkeby").stdout.splitlines()]
    kept = [line["payload"] for line in recorded if line.get("kind") == "licences.measured"]
    assert ["hosts" in payload for payload in kept] == [True, False], "packages are recorded once"
