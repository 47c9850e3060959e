import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from opsctl.adapters.ansible import Order, run_playbook
from opsctl.adapters.ansible_inventory import Target, data_yaml, inventory_text, write_private
from opsctl.core.errors import ConfigurationError
from opsctl.core.secret import Secret

pytestmark = pytest.mark.slow

MakeTarget = Callable[..., Target]


def listed(tmp_path: Path, targets: list[Target]) -> dict[str, dict[str, object]]:
    """The host variables as Ansible itself reads them from the generated inventory."""
    file = write_private(tmp_path / "hosts.yml", inventory_text(targets, tmp_path / "identity"))
    done = subprocess.run([str(Path(sys.executable).parent / "ansible-inventory"), "-i", str(file), "--list"],
                          capture_output=True, text=True, check=True,
                          env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
    # Ansible marks texts that it will not evaluate; here only the texts matter.
    plain = json.loads(done.stdout, object_hook=lambda found: found.get("__ansible_unsafe", found))
    hosts: dict[str, dict[str, object]] = plain["_meta"]["hostvars"]
    return hosts


def test_two_customers_may_both_have_a_db1(tmp_path: Path, make_target: MakeTarget) -> None:
    hosts = listed(tmp_path, [make_target("north", "db1", "192.0.2.1", opsctl_customer="north", only_north=True),
                              make_target("south", "db1", "192.0.2.2", opsctl_customer="south")])
    assert set(hosts) == {"north--db1", "south--db1"}
    assert hosts["north--db1"]["ansible_host"] == "192.0.2.1"
    assert hosts["south--db1"]["ansible_host"] == "192.0.2.2"
    assert (hosts["north--db1"]["opsctl_customer"], hosts["south--db1"]["opsctl_customer"]) == ("north", "south")
    assert "only_north" not in hosts["south--db1"]
    for customer in ("north", "south"):
        arguments = str(hosts[f"{customer}--db1"]["ansible_ssh_common_args"])
        assert f"inventories/{customer}/known_hosts" in arguments
        assert "StrictHostKeyChecking=yes" in arguments


def test_a_value_that_looks_like_a_template_stays_data(make_order: Callable[..., Order],
                                                       make_target: MakeTarget) -> None:
    order = make_order("""
- hosts: all
  gather_facts: false
  connection: local
  tasks:
    - ansible.builtin.set_stats:
        per_host: true
        data: {said: "{{ word }}", whispered: "{{ hidden | length }}", listed: "{{ words }}"}
""", targets=[make_target(word="{{ 6 * 7 }}", words=["{{ 1 + 1 }}"])],
        secret_variables={"hidden": Secret("{{ 7 * 7 }}")})
    data = run_playbook(order).hosts["north--db1"].data
    assert data == {"said": "{{ 6 * 7 }}", "whispered": len("{{ 7 * 7 }}"), "listed": ["{{ 1 + 1 }}"]}


def test_the_same_host_twice_is_refused(tmp_path: Path, make_target: MakeTarget) -> None:
    with pytest.raises(ConfigurationError, match="planned twice"):
        inventory_text([make_target(), make_target()], tmp_path)


def test_a_missing_known_hosts_file_is_refused(tmp_path: Path, make_target: MakeTarget) -> None:
    target = make_target()
    target.known_hosts.unlink()
    with pytest.raises(ConfigurationError, match="cannot be recognised"):
        inventory_text([target], tmp_path)


def test_private_files_are_private_and_never_overwritten(tmp_path: Path) -> None:
    file = write_private(tmp_path / "variables.yml", data_yaml({"password": Secret("s3cret")}))
    assert file.stat().st_mode & 0o777 == 0o600
    assert "s3cret" in file.read_text(encoding="utf-8")
    with pytest.raises(FileExistsError):
        write_private(file, "")
