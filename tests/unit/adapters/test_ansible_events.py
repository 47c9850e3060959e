from collections.abc import Callable
from typing import Any

import pytest

from opsctl.adapters.ansible_events import Collector, HostState
from opsctl.adapters.ansible_inventory import Target

MakeTarget = Callable[..., Target]


def event(kind: str, task: str = "Install", action: str = "ansible.builtin.command", ignore: bool = False,
          **result: Any) -> dict[str, Any]:
    return {"event": kind, "event_data": {"host": "north--db1", "task": task, "task_action": action, "res": result,
                                          "ignore_errors": ignore}}


@pytest.fixture
def collector(make_target: MakeTarget) -> Collector:
    return Collector([make_target()])


def test_a_handler_always_says_true(collector: Collector) -> None:
    stranger = {"event": "runner_on_ok", "event_data": {"host": "x"}}
    for one in ({}, {"event": "verbose"}, event("runner_on_ok"), stranger):
        assert collector.take(one) is True


def test_arguments_checked_here_do_not_count_as_touching_the_host(collector: Collector) -> None:
    collector.take(event("runner_on_ok", action="ansible.builtin.validate_argument_spec"))
    assert collector.results["north--db1"].state is HostState.UNTOUCHED
    collector.take(event("runner_on_failed", action="ansible.builtin.validate_argument_spec", msg="wrong type"))
    assert collector.results["north--db1"].state is HostState.FAILED


def test_a_failure_keeps_its_first_message_and_its_data(collector: Collector) -> None:
    collector.take(event("runner_on_failed", msg="non-zero return code", stderr="E: no space left"))
    collector.take(event("runner_on_failed", task="Later", msg="something else"))
    collector.take(event("runner_on_ok", ansible_stats={"data": {"before": 1}, "per_host": True}))
    found = collector.results["north--db1"]
    assert (found.state, found.message, found.data) == (
        HostState.FAILED, "Install: non-zero return code E: no space left", {"before": 1})


def test_an_ignored_failure_is_none(collector: Collector) -> None:
    collector.take(event("runner_on_ok", changed=True))
    collector.take(event("runner_on_failed", ignore=True, msg="expected"))
    found = collector.results["north--db1"]
    assert (found.ok, found.changed, found.message) == (True, 1, "")


@pytest.mark.parametrize(("said", "message"), [
    ('Data could not be sent to remote host "192.0.2.1". Make sure this host can be reached over ssh: ssh: connect to '
     "host 192.0.2.1 port 22: No route to host\r\n", "ssh: connect to host 192.0.2.1 port 22: No route to host"),
    ("@@@@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @@@@ Host key verification failed.",
     "its host key is not the one in known_hosts: find out why before you correct the file"),
    ("No ED25519 host key is known for 192.0.2.1 and you have requested strict checking.",
     "its host key is not in known_hosts: write it there, taken from the host itself")])
def test_why_a_host_is_unreachable(collector: Collector, said: str, message: str) -> None:
    collector.take(event("runner_on_unreachable", msg=said))
    found = collector.results["north--db1"]
    assert (found.state, found.message) == (HostState.UNREACHABLE, message)


def test_a_long_message_is_cut(collector: Collector) -> None:
    collector.take(event("runner_on_failed", msg="x" * 10_000))
    assert len(collector.results["north--db1"].message) < 700


def test_what_check_mode_cannot_predict_is_counted_and_conditions_are_not(collector: Collector) -> None:
    collector.take(event("runner_on_ok"))
    collector.take(event("runner_on_skipped", skipped=True, msg="Command would have run if not in check mode"))
    collector.take(event("runner_on_skipped", skipped=True, skip_reason="Conditional result was False"))
    assert (collector.predicted.tasks, collector.predicted.skipped) == (2, 1)


def test_a_task_is_told_once_it_is_known_to_be_done_and_never_when_it_is_skipped(make_target: MakeTarget) -> None:
    told: list[str] = []
    collector = Collector([make_target()], on_task=lambda target, task: told.append(task))
    for kind, task in (("runner_on_start", "Skipped"), ("runner_on_skipped", "Skipped"), ("runner_on_start", "Done"),
                       ("runner_on_ok", "Done"), ("runner_on_start", "Fails"), ("runner_on_failed", "Fails"),
                       ("runner_on_start", "Long")):
        collector.take(event(kind, task=task))
    assert told == ["Done", "Fails"]
    collector.tell_long(float("inf"))
    collector.tell_long(float("inf"))
    collector.take(event("runner_on_ok", task="Long"))
    assert told == ["Done", "Fails", "Long"]


APT = "E: Failed to fetch x.deb Hash Sum mismatch\n" + "   - SHA512:0123\n" * 60 + "E: Some files failed to download"


def test_a_loop_that_failed_says_what_its_item_said(make_target: MakeTarget) -> None:
    collector, target = Collector([make_target()]), make_target()
    items = [{"msg": "", "stderr": ""}, {"failed": True, "msg": "non-zero return code", "stderr": APT}]
    collector.take({"event": "runner_on_failed", "event_data": {
        "host": target.name, "task": "Fetch", "res": {"msg": "One or more items failed", "results": items}}})
    (result,) = collector.results.values()
    assert result.message == ("Fetch: non-zero return code E: Failed to fetch x.deb Hash Sum mismatch "
                              "E: Some files failed to download")
