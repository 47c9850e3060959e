"""Generated history is marked, the same from the same seed, and never mixed with evidence. SQLite and PostgreSQL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from opsctl.core.clock import SystemClock
from opsctl.core.errors import ConfigurationError
from opsctl.lab.history.service import Wanted, generate
from opsctl.ledger import open_ledger
from opsctl.ledger.database import Database, parse_url
from opsctl.ledger.generated import Chain, Made, begin, load
from opsctl.ledger.model import GENERATED
from opsctl.profiles.loader import load_profiles, load_settings
from opsctl.support.index import ROOM, differing

ROOT = Path(__file__).resolve().parents[2]
LAST = date(2026, 11, 23)


def wanted(folder: Path, url: str = "", seed: int = 5) -> Wanted:
    return Wanted(folder, ROOT / "releases", ROOT / "templates", 8, 50, seed, LAST, url)


def lines(url: str) -> list[str]:
    ledger = open_ledger(url, SystemClock())
    try:
        return list(ledger.export())
    finally:
        ledger.close()


def test_every_chain_is_sound_and_begins_with_its_mark(tmp_path: Path, ledger_url: str) -> None:
    made = generate(wanted(tmp_path / "made", ledger_url), lambda _: None)
    ledger = open_ledger(ledger_url, SystemClock())
    assert ledger.generated
    found = ledger.verify()
    assert found.sound and sum(found.chains.values()) == made.entries
    assert len(found.chains) == 9
    assert {next(ledger.entries(chain)).kind for chain in found.chains} == {GENERATED}
    assert {entry.actor for entry in ledger.entries()} == {"generated"}
    ledger.close()
    settings = load_settings(made.settings, tmp_path)
    profiles, broken = load_profiles(settings.inventories)
    assert settings.generated and not broken
    assert all(profile.sample and profile.name.startswith("Generated") for profile in profiles)


def test_the_same_seed_gives_the_same_entries_and_another_one_others(tmp_path: Path) -> None:
    for name, seed in (("one", 5), ("same", 5), ("other", 6)):
        generate(wanted(tmp_path / name, seed=seed), lambda _: None)
    one, same, other = (lines(f"sqlite:///{tmp_path}/{name}/ledger.db") for name in ("one", "same", "other"))
    assert one == same
    assert one != other


def test_a_ledger_with_evidence_takes_no_generated_history(tmp_path: Path, ledger_url: str) -> None:
    ledger = open_ledger(ledger_url, SystemClock())
    ledger.append("aalund", "backup.completed", {"day": "2026-11-23"}, actor="me")
    with pytest.raises(ConfigurationError, match="takes no generated history"):
        generate(wanted(tmp_path / "made", ledger_url), lambda _: None)
    assert [entry.kind for entry in ledger.entries()] == ["backup.completed"]
    ledger.close()


def test_a_ledger_of_generated_history_takes_no_evidence_and_no_second_history(tmp_path: Path, ledger_url: str) -> None:
    generate(wanted(tmp_path / "made", ledger_url), lambda _: None)
    before = lines(ledger_url)
    ledger = open_ledger(ledger_url, SystemClock())
    acts = (lambda: ledger.append("generated-0001", "backup.completed", {}, actor="me"),
            lambda: ledger.acquire("generated-0001/hosts", "me", 60), lambda: ledger.put_personal("a", "b"),
            ledger.rebuild, lambda: ledger.erase_personal("a", "b", "c"))
    for act in acts:
        with pytest.raises(ConfigurationError, match="generated history"):
            act()
    ledger.close()
    with pytest.raises(ConfigurationError, match="takes no generated history"):
        generate(wanted(tmp_path / "again", ledger_url), lambda _: None)
    assert lines(ledger_url) == before


@pytest.mark.parametrize("name", ["opsctl.yml", "anything"])
def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    (folder / name).write_text("ledger: {url: sqlite:////real.db}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError):
        generate(wanted(folder), lambda _: None)
    assert [one.name for one in folder.iterdir()] == [name]


def test_a_bulk_load_that_ends_early_leaves_a_marked_ledger(tmp_path: Path, ledger_url: str) -> None:
    open_ledger(ledger_url, SystemClock()).close()
    database = Database(parse_url(ledger_url))
    marker = Made(datetime(2026, 1, 1, tzinfo=UTC), GENERATED, "", {})
    begin(database, "generated", marker)

    def chains() -> Iterator[Chain]:
        yield Chain("generated-1", [marker])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        load(database, "generated", chains(), marker)
    database.close()
    ledger = open_ledger(ledger_url, SystemClock())
    assert ledger.generated
    ledger.close()


def test_the_command_and_what_its_settings_refuse(tmp_path: Path) -> None:
    import subprocess

    def run(*words: str, config: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)} | (
            {"OPSCTL_CONFIG": str(config)} if config else {})
        return subprocess.run([sys.executable, "-m", "opsctl", *words], cwd=ROOT, env=environment, text=True,
                              capture_output=True, check=False, timeout=120)

    made = run("lab", "history", "--customers", "3", "--days", "30", "--directory", str(tmp_path / "h"), "--json")
    assert made.returncode == 0, made.stderr
    config = Path(json.loads(made.stdout)["data"]["settings"])
    for words in (("nightly", "--all"), ("backup", "run", "generated-0001"), ("report", "notify"),
                  ("ledger", "rebuild")):
        refused = run(*words, config=config)
        assert (refused.returncode, "generated history" in refused.stderr) == (3, True), (words, refused.stderr)
    assert run("ledger", "verify", config=config).returncode == 0
    assert run("lab", "history", "--customers", "0").returncode == 2
    assert run("lab", "history", "--last-day", "soon").returncode == 2


def test_the_error_logs_index_covers_what_was_generated(tmp_path: Path, ledger_url: str) -> None:
    generate(wanted(tmp_path / "made", ledger_url), lambda _: None)
    ledger = open_ledger(ledger_url, SystemClock())
    assert differing(ledger, ledger.chains()) == ()
    assert any(ledger.subjects(ROOM, chain) for chain in ledger.chains())
    ledger.close()
