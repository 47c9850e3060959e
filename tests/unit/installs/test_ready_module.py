"""What the hosts' side reads of READY: parsed text, and names that reach a statement."""

from types import ModuleType

import pytest

from tests.unit.maintenance.conftest import load_utility

MADISON = """\
ready-server |      6.0.0 | http://198.51.100.1:8081 ready/main amd64 Packages
ready-server |      5.5.0 | http://198.51.100.1:8081 ready/main amd64 Packages
ready-server |      5.5.0 | http://mirror.example ready/main amd64 Packages
"""


@pytest.fixture(scope="module")
def ready() -> ModuleType:
    return load_utility("opsctl_ready")


def test_the_versions_offered_each_once(ready: ModuleType) -> None:
    assert ready.madison(MADISON) == ["6.0.0", "5.5.0"]
    assert ready.madison("") == []


@pytest.mark.parametrize("name", ["ready'; DROP", "Ready", "", "a b", 'x"y', "ready\n"])
def test_a_name_that_could_steer_a_statement_is_refused(ready: ModuleType, name: str) -> None:
    with pytest.raises(ready.Failed):
        ready.engine({"name": name, "engine": "mariadb"})
    assert ready.engine({"name": "ready_2-a", "engine": "mariadb"}).name == "ready_2-a"


def test_the_last_words_of_a_tool(ready: ModuleType) -> None:
    assert ready.last_words(b"a\n\nb\nc\nd\n") == "b c d"
    assert ready.last_words(b"\n") == "it said nothing"


def test_nothing_answers() -> None:
    host = load_utility("opsctl_host")
    assert host.ask("http://127.0.0.1:9/health", seconds=2)["status"] == 0
    answered = host.health("http://127.0.0.1:9/health", seconds=2)
    assert (answered["ok"], answered["status"]) == (False, 0)


def test_a_command_that_does_not_end_is_told(ready: ModuleType) -> None:
    with pytest.raises(ready.Failed, match=r"sleep 60 did not end: .*timed out after 0\.1 seconds"):
        ready.run(["sleep", "60"], 0.1)


@pytest.mark.parametrize("engine", ["postgresql", "mariadb"])
def test_rows_may_take_longer_to_count_than_anything_else(engine: str, ready: ModuleType,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def run(command: list[str], seconds: float = ready.SHORT_SECONDS) -> str:
        asked.append((command[-1], seconds))
        if command[0] == "pg_lsclusters":
            return "17 main 5432 online postgres /d /l"
        return "3" if "count(*)" in command[-1] else "public.meters"

    monkeypatch.setattr(ready, "run", run)
    assert ready.engine({"name": "ready", "engine": engine}).rows() == {"public.meters": 3}
    assert [seconds for text, seconds in asked if "count(*)" in text] == [ready.COUNT_SECONDS]
    assert ready.COUNT_SECONDS > ready.SHORT_SECONDS == 600
