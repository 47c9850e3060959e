"""READY's releases on both engines: every path an upgrade can take, as real packages with real migrations."""

from collections.abc import Iterator

import pytest

from opsctl.core.errors import OperationFailed
from opsctl.lab import repository, service
from opsctl.lab.definition import host
from tests.lab.guests import ROOT, on, ready

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("lab")]


@pytest.fixture(scope="module", params=["cedervig-1", "birkeby-app"])
def application(request: pytest.FixtureRequest) -> Iterator[str]:
    """An application host with its database, as new before and afterwards."""
    names = sorted({request.param, host(request.param).database_host})
    if any(on(name, "metertools") != "metertools 2.0-1" for name in names):
        service.reset(ROOT, lambda text: None, names)
    yield request.param
    service.reset(ROOT, lambda text: None, names)


def install(name: str, version: str) -> None:
    """Install a release over the hold, as an operator would; apt drops the hold with that, so it is set again."""
    on(name, "export DEBIAN_FRONTEND=noninteractive\napt-get update -q -o APT::Update::Error-Mode=any\n"
             f"apt-get install -q -y --allow-downgrades --allow-change-held-packages ready-server={version}\n"
             "apt-mark hold ready-server\n")


def test_releases_from_patch_to_the_one_that_is_not_healthy(application: str) -> None:
    assert ready(application, "/health")[1] == {"status": "ok", "version": "5.4.0", "schema": 4}
    install(application, "5.4.1")
    assert ready(application, "/health")[1] == {"status": "ok", "version": "5.4.1", "schema": 4}
    with pytest.raises(OperationFailed) as stopped:
        install(application, "6.0.0")
    assert "Install 5.5.0 first" in "\n".join(stopped.value.details)
    assert ready(application, "/health")[0] == 200
    for version, schema in (("5.5.0", 5), ("6.0.0", 6)):
        install(application, version)
        assert ready(application, "/health")[1] == {"status": "ok", "version": version, "schema": schema}
    token = on(application, "head -n 1 /etc/ready/api-token")
    written = {"meter": 7, "read_at": "2026-02-01T10:00:00", "value": "1.5"}
    assert ready(application, "/api/v1/readings", token=token, body=written)[0] == 201
    install(application, "6.0.1")
    status, health = ready(application, "/health")
    assert (status, health["status"], health["schema"]) == (503, "failing", 7)
    # Going back without the database does not help: the older release says which schema it needs.
    install(application, "6.0.0")
    status, health = ready(application, "/health")
    assert (status, health["reason"]) == (503, "schema 6 is needed")


def test_the_old_release_of_the_base_is_there_too(application: str) -> None:
    listed = on(application, "apt-cache madison ready-server | cut -d'|' -f2").split()
    assert listed[-1] == "5.3.0"


def test_third_party_updates_install_offers_follow_and_the_kernel_asks_for_a_reboot(application: str) -> None:
    repository.offer("libmeterproto", "1.0-1+sec9", security=True)
    try:
        listed = on(application, "apt-get update -q > /dev/null; apt-get -s dist-upgrade | grep ^Inst")
        assert "libmeterproto [1.0-1] (1.0-1+sec9 Lab-Security:" in listed
        assert "metertools [2.0-1] (2.1-1 Lab:" in listed
        assert "ready-server" not in listed
        on(application, "DEBIAN_FRONTEND=noninteractive apt-get -q -y dist-upgrade")
    finally:
        repository.withdraw("libmeterproto", "1.0-1+sec9")
    assert on(application, "cat /var/run/reboot-required.pkgs") == "lab-kernel"
    assert on(application, "metertools") == "metertools 2.1-1"
    answer = on(application, "python3 -c \"import socket; s = socket.create_connection(('127.0.0.1', 7070)); "
                             "s.sendall(b'\\n'); print(s.recv(99).decode())\"")
    assert answer == "lab-middleware 3.1-1"
