"""Small releases for tests: the shape of a file, without its words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from opsctl.releases.catalogue import Catalogue
from opsctl.releases.model import ADAPTER, Release
from opsctl.releases.version import Version


def release_data(version: str, previous: str, **changed: Any) -> dict[str, Any]:
    """The data of a release file; `changed` replaces whole keys."""
    parsed = Version.parse(version)
    return {
        "schema_version": 1, "version": version, "previous": previous, "status": "published",
        "kind": str(parsed.step_from(Version.parse(previous))), "published_at": "2026-01-05T09:00:00+01:00",
        "summary": {"en": f"About {version}."}, "support": {"until": "2027-12-31", "branch": parsed.branch},
        "apt": {"package": "ready-server", "version": version.replace("-", "~")},
        "requires": {"os": [{"name": "debian", "min": "12"}], "database": [{"engine": "postgresql", "min": "15"}],
                     "free_space_mb": 1000},
        "modules": {"ready-core": {}, "leak-alarm": {"licensed": True}},
        "install": {"playbook": "ready_update", "restart": "service", "downtime_minutes": 10, "db_migration": False,
                    "reversible_until": "always"},
        "rollback": {"supported": True, "method": "reinstall", "minutes": 5},
        "upgrade": {"from": f">=1.0.0 <{version}"},
        "changes": [fix(f"ERR-{parsed.major}{parsed.minor}{parsed.patch}0")],
        **changed,
    }


def release(version: str, previous: str, **changed: Any) -> Release:
    return ADAPTER.validate_python(release_data(version, previous, **changed))


def catalogue(*releases: Release) -> Catalogue:
    return Catalogue({found.version: found for found in releases},
                     {found.version: Path(f"{found.version}.yml") for found in releases})


def fix(error: str, **more: Any) -> dict[str, Any]:
    return {"type": "fix", "error": error, "text": {"en": f"Corrects {error}."}, **more}


def security(cve: str, cvss: str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N", **more: Any) -> dict[str, Any]:
    return {"type": "security", "cve": [cve], "cvss": cvss, "exploited": False, "text": {"en": f"Closes {cve}."},
            **more}


def withdrawn(**more: Any) -> dict[str, Any]:
    return {"status": "withdrawn",
            "withdrawn": {"at": "2026-02-01T09:00:00+01:00", "reason": {"en": "It fails."}, **more}}
