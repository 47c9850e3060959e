"""The real command line in this process, with a ledger, inventories and state of its own."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer

from opsctl.cli.boundary import bounded, form_of
from opsctl.cli.main import app
from opsctl.core.clock import SystemClock
from opsctl.core.progress import Silent
from opsctl.ledger import open_ledger
from opsctl.profiles.loader import load_settings
from opsctl.runs.workplace import Workplace

ROOT = Path(__file__).resolve().parents[3]


class Answer(NamedTuple):
    code: int
    stdout: str
    stderr: str

    @property
    def data(self) -> Any:
        return json.loads(self.stdout)["data"]


Run = Callable[..., Answer]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(ROOT / "inventories", tmp_path / "inventories")
    path = tmp_path / "opsctl.yml"
    path.write_text(f"ledger: {{url: 'sqlite:///{tmp_path}/ledger.db'}}\nreleases: {ROOT}/releases\n"
                    f"templates: {ROOT}/templates\nplaybooks: {ROOT}/playbooks\nruns: runs\ndrafts: drafts\n",
                    encoding="utf-8")
    monkeypatch.setenv("OPSCTL_CONFIG", str(path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("OPSCTL_ACTOR", "tester")
    monkeypatch.delenv("CI", raising=False)
    return path


@pytest.fixture
def opsctl(config: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> Answer:
        capsys.readouterr()
        code = bounded(lambda: typer.main.get_command(app).main(args=list(arguments), prog_name="opsctl",
                                                                standalone_mode=False), form_of(arguments))
        return Answer(code, *capsys.readouterr())

    return run


@pytest.fixture
def place(config: Path, tmp_path: Path) -> Iterator[Workplace]:
    """The workplace on the same ledger as `opsctl` has."""
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db", SystemClock())
    yield Workplace(load_settings(config, tmp_path), ledger, SystemClock(), Silent(), "tester", tmp_path / "runs",
                    tmp_path / "drafts")
    ledger.close()
