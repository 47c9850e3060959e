"""The adapter against the real ansible-playbook on this machine; no host is needed."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from opsctl.adapters.ansible import Order, run_playbook
from opsctl.adapters.ansible_events import HostState
from opsctl.adapters.ansible_inventory import Target
from opsctl.adapters.ansible_process import processes
from opsctl.core.errors import ConfigurationError, OperationFailed, UsageError
from opsctl.core.secret import Secret

# One after the other: they look for processes of each other's kind.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ansible-run")]

MakeOrder = Callable[..., Order]
MakeTarget = Callable[..., Target]

HEAD = "- hosts: all\n  gather_facts: false\n  connection: local\n  tasks:\n"
GIVE = HEAD + """
    - ansible.builtin.set_stats:
        per_host: true
        data: {name: "{{ inventory_hostname }}", secret_length: "{{ hidden | default('') | length }}"}
"""
# So many seconds that no other run of these tests on this machine sleeps as long.
SECONDS = f"{60 + os.getpid() / 1e8:.8f}"
SLEEP = HEAD + f"    - ansible.builtin.command: {{argv: [sleep, '{SECONDS}']}}\n      changed_when: false\n"


def files_below(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in folder.rglob("*"):
        try:
            if path.is_file():
                yield path, path.read_bytes()
        except OSError:
            continue


def test_each_host_gives_its_own_data_back(make_order: MakeOrder, make_target: MakeTarget) -> None:
    told: list[tuple[str, Mapping[str, Any]]] = []
    order = make_order(GIVE, targets=[make_target("north"), make_target("south")],
                       on_data=lambda target, data: told.append((target.customer, data)))
    result = run_playbook(order)
    assert result.status == "successful"
    assert {name: host.data["name"] for name, host in result.hosts.items()} == {
        "north--db1": "north--db1", "south--db1": "south--db1"}
    assert sorted(customer for customer, _ in told) == ["north", "south"]
    assert "set_stats" in result.log.read_text(encoding="utf-8")
    assert result.require_all() is result
    assert [path.name for path in order.folder.iterdir()] == ["trial.log"], "the private folder is gone"


def test_no_secret_is_on_disk_or_in_a_command_line_while_it_runs(
        make_order: MakeOrder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "planted-in-the-environment")
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD", "planted-in-the-environment")
    found: list[str] = []
    seen: list[int] = []

    def look() -> None:
        folder = order.folder
        for path, content in files_below(folder):
            allowed = path.name == "variables.yml" and path.stat().st_mode & 0o777 == 0o600
            if b"planted-in-the-environment" in content or (b"planted-secret" in content and not allowed):
                found.append(str(path))
        for private in folder.glob("ansible-*"):
            for pid in processes(private):
                command = Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
                seen.append(pid)
                if b"planted" in command:
                    found.append(command.decode())

    order = make_order(GIVE + "    - ansible.builtin.pause: {seconds: 1}\n",
                       secret_variables={"hidden": Secret("planted-secret")},
                       on_task=lambda _target, _task: look(), on_data=lambda _target, _data: look())
    result = run_playbook(order)
    look()
    assert result.hosts["north--db1"].data["secret_length"] == len("planted-secret"), "it did arrive"
    assert seen, "the test looked at the run's processes"
    assert found == []


def test_a_failed_host_is_told_apart(make_order: MakeOrder, make_target: MakeTarget) -> None:
    text = HEAD + """
    - ansible.builtin.set_stats: {per_host: true, data: {begun: true}}
    - ansible.builtin.fail: {msg: the disk is on fire}
      when: inventory_hostname == 'south--db1'
"""
    result = run_playbook(make_order(text, targets=[make_target("north"), make_target("south")]))
    assert result.hosts["north--db1"].ok
    bad = result.hosts["south--db1"]
    assert (bad.state, bad.data) == (HostState.FAILED, {"begun": True})
    assert "the disk is on fire" in bad.message
    with pytest.raises(OperationFailed, match="db1 failed") as caught:
        result.require_all()
    assert "the disk is on fire" in caught.value.details[0]


def test_an_unreachable_host_is_told_apart(make_order: MakeOrder, make_target: MakeTarget) -> None:
    text = "- hosts: all\n  gather_facts: false\n  tasks:\n    - ansible.builtin.ping:\n"
    text = text.replace("    - ansible", "    - name: Reach it\n      ansible").replace("ping:", "ping: {}")
    target = make_target(address="127.0.0.1")
    dead = Target(target.customer, target.host.model_copy(update={"port": 1}), target.known_hosts, {})
    result = run_playbook(make_order(text, targets=[dead]))
    assert result.hosts["north--db1"].state is HostState.UNREACHABLE


@pytest.mark.parametrize(("text", "reason"), [
    (HEAD.replace("all", "nowhere") + "    - ansible.builtin.debug:\n", ""),
    ("- hosts: all\n  tasks: [{ansible.builtin.nothing_of_the_kind: {}}]\n", "nothing_of_the_kind"),
])
def test_a_run_that_touches_nothing_is_a_failure(make_order: MakeOrder, text: str, reason: str) -> None:
    with pytest.raises(OperationFailed, match="touched none of the planned hosts") as caught:
        run_playbook(make_order(text))
    assert reason in " ".join(caught.value.details)


@pytest.mark.parametrize("text", ["- hosts: all: x\n", "hosts: all\n", "- all\n"])
def test_what_is_not_a_playbook_is_named(make_order: MakeOrder, text: str) -> None:
    with pytest.raises(ConfigurationError, match="trial"):
        run_playbook(make_order(text))


def test_a_planned_host_that_was_not_touched_is_not_ok(make_order: MakeOrder, make_target: MakeTarget) -> None:
    text = HEAD.replace("all", "north--db1") + "    - ansible.builtin.debug:\n"
    result = run_playbook(make_order(text, targets=[make_target("north"), make_target("south")]))
    assert result.status == "successful", "ansible itself is content"
    assert result.hosts["south--db1"].state is HostState.UNTOUCHED
    with pytest.raises(OperationFailed, match="not reached"):
        result.require_all()


def test_no_host_at_all_is_refused(make_order: MakeOrder) -> None:
    with pytest.raises(UsageError):
        run_playbook(make_order(GIVE, targets=[]))


def test_check_mode_says_how_much_it_predicted(make_order: MakeOrder) -> None:
    text = GIVE + "    - ansible.builtin.command: {argv: ['true']}\n      changed_when: true\n"
    predicted = run_playbook(make_order(text, check=True)).predicted
    assert (predicted.tasks, predicted.skipped) == (2, 1)
    assert run_playbook(make_order(text)).predicted.skipped == 0


def sleeping() -> list[str]:
    done = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if line.rstrip().endswith(f"sleep {SECONDS}")]


@pytest.mark.parametrize("how", ["deadline", "cancelled"])
def test_an_early_end_leaves_no_process(make_order: MakeOrder, how: str) -> None:
    started = time.monotonic()
    changes: dict[str, object] = {"deadline": {"deadline_seconds": 3},
                                  "cancelled": {"cancelled": lambda: time.monotonic() - started > 3}}[how]  # type: ignore[assignment]
    with pytest.raises(OperationFailed, match="stopped"):
        run_playbook(make_order(SLEEP, **changes))  # type: ignore[arg-type]
    assert time.monotonic() - started < 20
    assert sleeping() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_and_goes_on_as_keyboard_interrupt(make_order: MakeOrder, number: int) -> None:
    order = make_order(SLEEP)
    before = signal.getsignal(signal.SIGTERM)

    def strike() -> None:
        while not sleeping():
            time.sleep(0.2)
        os.kill(os.getpid(), number)

    threading.Thread(target=strike, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        run_playbook(order)
    assert sleeping() == []
    assert signal.getsignal(signal.SIGTERM) is before
    assert list(order.folder.iterdir()) == []


def test_the_environment_is_listed(make_order: MakeOrder) -> None:
    text = HEAD + """
    - ansible.builtin.set_stats:
        per_host: true
        data: {variables: "{{ lookup('ansible.builtin.pipe', 'env -0 | base64 -w0') }}"}
"""
    import base64

    data = run_playbook(make_order(text)).hosts["north--db1"].data["variables"]
    names = {line.split(b"=")[0].decode() for line in base64.b64decode(data).split(b"\0") if line}
    allowed = {"PATH", "HOME", "LANG", "LC_ALL", "TZ", "TERM", "PWD", "SHLVL", "_", "PYTHONDONTWRITEBYTECODE",
               "OPSCTL_PLAYBOOK_RUN", "COLUMNS", "LINES"}
    assert {name for name in names if not name.startswith(("ANSIBLE_", "RUNNER_", "AWX_"))} <= allowed
    json.dumps(sorted(names))
