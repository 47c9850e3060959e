import shutil
from pathlib import Path

import pytest

from opsctl.adapters.ansible_catalogue import OPERATIONS, playbook_file, revision, roles_of
from opsctl.core.errors import ConfigurationError, UsageError

PLAYBOOKS = Path(__file__).resolve().parents[3] / "playbooks"


@pytest.fixture
def playbooks(tmp_path: Path) -> Path:
    return Path(shutil.copytree(PLAYBOOKS, tmp_path / "playbooks", ignore=shutil.ignore_patterns("__pycache__")))


@pytest.mark.parametrize("name", ["../platform_patch", "/etc/passwd", "roles/x", "platform_patch.yml", "", "a b", "-e"])
def test_a_path_is_refused(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        playbook_file(PLAYBOOKS, name)
    assert "P06" in caught.value.resolution


def test_only_files_directly_in_the_folder_run(playbooks: Path, tmp_path: Path) -> None:
    outside = tmp_path / "elsewhere.yml"
    outside.write_text("[]", encoding="utf-8")
    (playbooks / "linked.yml").symlink_to(outside)
    for name in ("linked", "absent"):
        with pytest.raises(ConfigurationError):
            playbook_file(playbooks, name)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.playbook)
def test_the_revision_is_that_of_the_text(operation: object, playbooks: Path) -> None:
    name = operation.playbook  # type: ignore[attr-defined]
    assert revision(playbooks, name) == revision(PLAYBOOKS, name)
    role = playbooks / "roles" / roles_of(playbooks, name)[0]
    for file in (playbooks / f"{name}.yml", role / "tasks" / "main.yml", role / "defaults" / "main.yml",
                 next((playbooks / "library").glob("*.py")), playbooks / "ansible.cfg"):
        before = revision(playbooks, name)
        file.write_text(file.read_text(encoding="utf-8") + "\n# changed\n", encoding="utf-8")
        assert revision(playbooks, name) != before, file


def test_what_a_playbook_does_not_use_leaves_its_revision(playbooks: Path) -> None:
    before = revision(playbooks, "patch_plan")
    for file in (playbooks / "roles" / "storage_check" / "tasks" / "main.yml",
                 playbooks / "roles" / "patch_plan" / "README.md"):
        file.write_text("changed", encoding="utf-8")
    assert revision(playbooks, "patch_plan") == before
    (playbooks / "roles" / "patch_plan" / "tasks" / "main.yml").rename(
        playbooks / "roles" / "patch_plan" / "tasks" / "other.yml")
    assert revision(playbooks, "patch_plan") != before
