from pathlib import Path

import yaml

from opsctl.profiles.inventory import host_variables, hosts_yaml, in_order, write_inventories
from opsctl.profiles.loader import load_profile
from opsctl.profiles.model import KamstrupProfile

SAMPLES = Path(__file__).resolve().parents[3] / "inventories"


def profile(name: str) -> KamstrupProfile:
    found = load_profile(SAMPLES, f"sample-{name}")
    assert isinstance(found, KamstrupProfile)
    return found


def test_databases_come_before_applications() -> None:
    assert [host.name for host in in_order(profile("birkeby"))] == ["birkeby-db", "birkeby-app"]
    assert list(yaml.safe_load(hosts_yaml(profile("birkeby")))["all"]["hosts"]) == ["birkeby-db", "birkeby-app"]


def test_each_host_has_the_units_that_its_roles_say() -> None:
    birkeby, cedervig = profile("birkeby"), profile("cedervig")
    assert host_variables(birkeby, birkeby.host("birkeby-db"))["opsctl_services"] == ["postgresql@*-main.service"]
    assert host_variables(birkeby, birkeby.host("birkeby-app"))["opsctl_services"] == ["ready-server.service"]
    assert host_variables(cedervig, cedervig.host("cedervig-1"))["opsctl_services"] == [
        "mariadb.service", "ready-server.service"]


def test_only_application_hosts_have_a_health_address() -> None:
    birkeby = profile("birkeby")
    assert host_variables(birkeby, birkeby.host("birkeby-db"))["opsctl_ready_health"] == ""
    host = birkeby.host("birkeby-app").model_copy(update={"address": "2001:db8::21"})
    assert host_variables(birkeby, host)["opsctl_ready_health"] == "https://[2001:db8::21]:8443/health"


def test_groups_are_the_roles() -> None:
    children = yaml.safe_load(hosts_yaml(profile("birkeby")))["all"]["children"]
    assert children == {"application": {"hosts": {"birkeby-app": None}}, "database": {"hosts": {"birkeby-db": None}}}


def test_inventories_are_written_for_vendor_hosted_customers_only(tmp_path: Path) -> None:
    for name in ("sample-aalund", "sample-dalmose"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "profile.yml").write_bytes((SAMPLES / name / "profile.yml").read_bytes())
    write_inventories(tmp_path)
    assert (tmp_path / "sample-aalund" / "hosts.yml").read_text(encoding="utf-8") == hosts_yaml(profile("aalund"))
    assert not (tmp_path / "sample-dalmose" / "hosts.yml").exists()
