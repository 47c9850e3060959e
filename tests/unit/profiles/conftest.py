from collections.abc import Callable
from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[3] / "inventories"
Write = Callable[..., Path]


@pytest.fixture
def aalund() -> str:
    """The text of a sound vendor-hosted profile."""
    return (SAMPLES / "sample-aalund" / "profile.yml").read_text(encoding="utf-8")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a profile into an inventories folder of its own and returns that folder."""

    def put(content: str | bytes, customer: str = "sample-aalund") -> Path:
        folder = tmp_path / "inventories" / customer
        folder.mkdir(parents=True, exist_ok=True)
        raw = content if isinstance(content, bytes) else content.encode()
        (folder / "profile.yml").write_bytes(raw)
        return tmp_path / "inventories"

    return put
