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


@pytest.mark.parametrize(("customer", "host", "ask"), [
    ("sample-aalund", "aalund-1", "runuser -u postgres -- psql -At -d ready -c 'SELECT count(*) FROM meters'"),
    ("sample-cedervig", "cedervig-1", "mariadb -N -e 'SELECT count(*) FROM ready.meters'")])
def test_meters_and_cores_are_counted_where_they_are(customer: str, host: str, ask: str, inventories: Path,
                                                     opsctl: Opsctl) -> None:
    profile = inventories / customer / "profile.yml"
    text = profile.read_text().partition("licences:\n")[0]
    meters, cores = int(on(host, ask)), int(on(host, "nproc"))
    profile.write_text(text + "licences:\n"
                       f"  - {{product: Tiles, vendor: Sample Maps, metric: meters, quantity: {meters}, held_at: a}}\n"
                       "  - {product: Engine, vendor: S, metric: cores, quantity: 0, packages: [bash], held_at: a}\n"
                       "  - {product: Desk, vendor: Sample, metric: seats, quantity: 9, held_at: a}\n")
    checked = opsctl("licence", "check", customer, "--json")
    found = {(one["product"], one["said"]): one["level"]
             for one in checked.envelope["data"]["outcomes"][0]["data"]["findings"]}
    assert found["Tiles", f"{meters} meters bought, {meters} used"] == "ok"
    assert found["Desk", "9 seats bought, use not measured: hosted systems do not tell seats"] == "warning"
    used = [said for product, said in found if product == "Engine" and "too many" in said]
    assert checked.code == 8 and len(used) == 1
    assert 1 <= int(used[0].split(", ")[1].split()[0]) <= cores
    profile.write_text(profile.read_text().replace(f"quantity: {meters}", f"quantity: {meters - 1}"))
    assert "1 too many" in opsctl("licence", "check", customer).stdout
    listed = opsctl("licence", "list", customer, "--json").envelope["data"]["licences"]
    assert [row["measured"] for row in listed if row["metric"] == "meters"] == [meters]
