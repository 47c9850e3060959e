from collections.abc import Callable
from pathlib import Path

import pytest

from opsctl.adapters.ansible import Order
from opsctl.adapters.ansible_catalogue import Operation
from opsctl.adapters.ansible_inventory import Target
from opsctl.profiles.hosted import Host, HostRole

ROOT = Path(__file__).resolve().parents[3]
MakeTarget = Callable[..., Target]
MakeOrder = Callable[..., Order]


@pytest.fixture
def make_target(tmp_path: Path) -> MakeTarget:
    """Targets whose customer has a known_hosts file of its own."""

    def make(customer: str = "north", name: str = "db1", address: str = "192.0.2.1", **variables: object) -> Target:
        folder = tmp_path / "inventories" / customer
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "known_hosts").touch()
        return Target(customer, Host(name=name, address=address, roles=(HostRole.DATABASE,)),
                      folder / "known_hosts", variables)

    return make


@pytest.fixture
def make_order(tmp_path: Path, make_target: MakeTarget) -> MakeOrder:
    """Orders of a playbook written for the test; its plays say `connection: local`, so no host is needed."""

    def make(text: str, **changes: object) -> Order:
        playbooks, folder = tmp_path / "playbooks", tmp_path / "run"
        for path in (playbooks, folder):
            path.mkdir(exist_ok=True, mode=0o700)
        (playbooks / "trial.yml").write_text(text, encoding="utf-8")
        (playbooks / "ansible.cfg").write_text((ROOT / "playbooks" / "ansible.cfg").read_text(), encoding="utf-8")
        identity = tmp_path / "identity"
        identity.touch(mode=0o600)
        values: dict[str, object] = {
            "operation": Operation("trial run", "trial", changes=True), "targets": [make_target()],
            "playbooks": playbooks, "identity": identity, "folder": folder, "run": "trial-1"}
        return Order(**{**values, **changes})  # type: ignore[arg-type]

    return make
