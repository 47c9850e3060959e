"""The lab's data: sound in itself, and the same as the sample customers' profiles."""

from pathlib import Path

import pytest
import yaml

from opsctl.lab import base, paths, scripts
from opsctl.lab.definition import GATEWAY, HOSTS, READY_PORT, SUITES, HostDefinition, SuiteDefinition, customers, host

ROOT = Path(__file__).resolve().parents[3]


def test_names_addresses_and_links_are_unique() -> None:
    for values in ([one.name for one in HOSTS], [one.address for one in HOSTS], [one.link for one in HOSTS]):
        assert len(set(values)) == len(HOSTS)
    assert GATEWAY not in {one.address for one in HOSTS}
    assert all(len(one.link) <= 15 for one in HOSTS)


@pytest.mark.parametrize("one", HOSTS, ids=lambda one: one.name)
def test_every_host_has_a_suite_and_its_customers_database(one: HostDefinition) -> None:
    assert one.suite in SUITES
    database = host(one.database_host)
    assert (database.customer, database.engine) == (one.customer, one.engine)
    assert "database" in database.roles


@pytest.mark.parametrize("customer", customers())
def test_the_profiles_name_the_same_hosts(customer: str) -> None:
    profile = yaml.safe_load((ROOT / "inventories" / customer / "profile.yml").read_text())
    in_profile = {(one["name"], one["address"], frozenset(one["roles"])) for one in profile["hosts"]}
    assert in_profile == {(one.name, one.address, one.roles) for one in HOSTS if one.customer == customer}
    engines = {(one["engine"], one["host"]) for one in profile["databases"]}
    assert engines == {(one.engine, one.name) for one in HOSTS
                       if one.customer == customer and "database" in one.roles}
    for component in profile.get("components", []):
        if component["kind"] == "service":
            assert component["port"] == READY_PORT
    store = profile["backup"]["store"]
    if store["kind"] == "directory":
        assert Path(store["path"]).is_relative_to(paths.STORE)
    else:
        assert store["ca_file"] == str(paths.AUTHORITY_CERTIFICATE)
        assert store["credentials"] == f"file:{paths.OBJECT_STORE_CREDENTIALS}"


def test_a_base_has_another_name_when_its_recipe_changes() -> None:
    suite = SUITES["trixie"]
    more = SuiteDefinition(suite.name, suite.debian, suite.postgresql, (*suite.packages, "less"))
    assert base.base_name(suite) == base.base_name(SUITES["trixie"])
    assert base.base_name(suite) != base.base_name(more)
    assert base.base_name(suite).startswith("trixie-")


def test_the_password_of_the_database_stands_in_no_argument() -> None:
    for one in HOSTS:
        if "database" in one.roles:
            lines = [line for line in scripts.database(one, "the-password").splitlines() if "the-password" in line]
            assert lines
            assert all(line.startswith(("CREATE ROLE", "CREATE USER")) for line in lines)
