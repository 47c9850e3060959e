"""`opsctl ledger verify`: integrity and completeness, with their exit codes."""

import json
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from tests.unit.cli.conftest import Run


def configured(tmp_path: Path, store: str) -> None:
    with (tmp_path / "opsctl.yml").open("a") as settings:
        settings.write(f"checkpoints: {{store: {store}}}\n")


def test_the_commands_tell_both_verdicts_with_their_exit_codes(opsctl: Run, tmp_path: Path) -> None:
    assert opsctl("ledger", "checkpoint").code == 3
    (tmp_path / "kept").mkdir(mode=0o700)
    configured(tmp_path, f"{{kind: directory, path: {tmp_path}/kept}}")
    assert opsctl("notice", "draft", "--all").code == 0
    first = opsctl("ledger", "verify", "--json")
    assert (first.code, first.envelope["data"]["integrity"]) == (0, "sound")
    assert (first.envelope["data"]["completeness"], first.envelope["data"]["checkpoints"]) == ("unproven", 0)
    written = opsctl("ledger", "checkpoint", "--json")
    assert (written.code, written.envelope["data"]["number"]) == (0, 1)
    assert "does not lock" in written.envelope["warnings"][0]
    opsctl("ledger", "checkpoint")
    second = opsctl("ledger", "verify", "--json")
    assert second.envelope["data"]["completeness"] == "sound", second
    lines, sealed = tmp_path / "export.jsonl", sorted((tmp_path / "kept/checkpoints").iterdir())
    opsctl("ledger", "export", "--output", str(lines))
    offline = opsctl("ledger", "verify", "--file", str(lines), "--checkpoint", str(sealed[-1]), "--json")
    assert (offline.code, offline.envelope["data"]["completeness"]) == (0, "sound")
    short = tmp_path / "short.jsonl"
    short.write_text("".join(line for line in lines.read_text().splitlines(True) if '"checkpoint.written"' not in line
                             and '"head"' not in line))
    again = opsctl("ledger", "verify", "--file", str(short), "--checkpoint", str(sealed[-1]), "--json")
    assert (again.code, again.envelope["data"]["completeness"]) == (9, "broken")


@pytest.mark.slow
@pytest.mark.parametrize(("store", "code"), [
    ("{kind: directory, path: /nowhere/at/all}", 3),
    ("{kind: s3, endpoint: 'https://127.0.0.1:9', bucket: kept, credentials: 'file:CREDENTIALS'}", 1)])
def test_a_store_that_is_not_reached_leaves_completeness_unknown(store: str, code: int, opsctl: Run,
                                                                 tmp_path: Path) -> None:
    credentials = tmp_path / "credentials.json"
    credentials.touch(0o600)
    credentials.write_text(json.dumps({"access_key_id": "a", "secret_access_key": "b"}))
    configured(tmp_path, store.replace("CREDENTIALS", str(credentials)))
    assert opsctl("notice", "draft", "--all").code == 0
    answer = opsctl("ledger", "verify", "--json")
    told = answer.envelope["data"]
    assert (answer.code, told["integrity"], told["completeness"]) == (code, "sound", "unknown"), answer
    assert "checkpoints were not read" in told["witness"]
    engine = create_engine(f"sqlite:///{tmp_path}/ledger.db")
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER ledger_entry_no_update")
        connection.exec_driver_sql("UPDATE ledger_entry SET actor = 'x' WHERE sequence = 1")
    engine.dispose()
    assert opsctl("ledger", "verify").code == 9
