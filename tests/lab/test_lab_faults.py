"""Every fault of a host begins, is noticed, shows in the status, and ends without a trace."""

import time
from collections.abc import Callable, Iterator

import pytest

from opsctl.core.errors import OperationFailed
from opsctl.lab import fault
from opsctl.lab.status import status
from tests.lab.guests import answers, on, wait

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("lab")]
HOST = "cedervig-1"


def disk_is_full() -> bool:
    """Whether the data disk takes no more."""
    return on(HOST, "dd if=/dev/zero of=/var/lib/opsctl-scratch/try bs=64k count=4 2>&1 || true; "
                    "rm -f /var/lib/opsctl-scratch/try").count("No space left") == 1


def link_is_slow() -> bool:
    """Whether 256 KiB each way take longer than a second."""
    began = time.monotonic()
    on(HOST, f"wc -c > /dev/null <<'END'\n{'x' * 262144}\nEND\nhead -c 262144 /dev/zero | tr '\\0' x")
    return time.monotonic() - began > 1


NOTICED: dict[str, Callable[[], bool]] = {
    "link-down": lambda: not answers(HOST), "freeze": lambda: not answers(HOST), "stop": lambda: not answers(HOST),
    "disk-full": disk_is_full, "slow-link": link_is_slow}


@pytest.fixture
def mended() -> Iterator[None]:
    """Ends whatever fault a failing test left on."""
    yield
    for kind in fault.active(HOST):
        fault.set_fault(HOST, kind, on=False)


def test_every_kind_is_tried() -> None:
    assert NOTICED.keys() == fault.HOST_FAULTS.keys()


@pytest.mark.parametrize("kind", NOTICED)
@pytest.mark.usefixtures("mended")
def test_a_fault_begins_and_ends(kind: str) -> None:
    assert not NOTICED[kind]()
    fault.set_fault(HOST, kind, on=True)
    shown = next(one for one in status().hosts if one.name == HOST)
    assert shown.faults == (kind,)
    assert shown.state == {"freeze": "frozen", "stop": "stopped"}.get(kind, "running")
    assert NOTICED[kind]()
    fault.set_fault(HOST, kind, on=False)
    wait(lambda: not NOTICED[kind](), 20, f"no {kind}")
    assert next(one for one in status().hosts if one.name == HOST).faults == ()


@pytest.mark.usefixtures("mended")
def test_a_host_that_is_off_cannot_be_frozen() -> None:
    fault.set_fault(HOST, "stop", on=True)
    with pytest.raises(OperationFailed, match="does not run"):
        fault.set_fault(HOST, "freeze", on=True)
    assert fault.active(HOST) == ("stop",)


def test_the_package_server_can_stop_and_stand_still() -> None:
    update = "timeout 8 apt-get update -q -o APT::Update::Error-Mode=any -o Acquire::Retries=0 > /dev/null 2>&1 " \
             "&& echo good || echo bad"
    for kind in ("stop", "freeze"):
        fault.set_fault("apt", kind, on=True)
        try:
            assert on(HOST, update) == "bad"
        finally:
            fault.set_fault("apt", kind, on=False)
        assert on(HOST, update) == "good"
