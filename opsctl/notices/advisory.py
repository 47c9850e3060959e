"""The security file of a notice: CSAF 2.0, profile "security advisory" (OASIS Standard, 2022).

It holds what the notice tells of vulnerabilities and nothing of the customer, its contacts or its own reports.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from opsctl.contract.services import PRODUCT
from opsctl.core.clock import iso
from opsctl.notices.brand import Brand
from opsctl.notices.matters import InstallFacts
from opsctl.notices.model import Edition, Facts, ReleaseFacts
from opsctl.releases.changes import SecurityChange
from opsctl.releases.content import ReleasedChange
from opsctl.releases.model import Release, Restart
from opsctl.releases.version import VersionRange

_SEVERITY = ((9.0, "CRITICAL"), (7.0, "HIGH"), (4.0, "MEDIUM"), (0.1, "LOW"))
"""CVSS 3.1, section 5; the words of the vector's own scale."""


def content(facts: Facts, edition: Edition, brand: Brand) -> tuple[str, bytes] | None:
    """The file's name and bytes; None when the notice tells of no vulnerability."""
    if not isinstance(facts, ReleaseFacts | InstallFacts) or not facts.security:
        return None
    found = [released for released in facts.content.changes if isinstance(released.change, SecurityChange)]
    identity = f"{PRODUCT}-{facts.release}"
    document = {"document": _document(facts.way.target, identity, edition, brand),
                "product_tree": {"branches": [_tree(brand, found)]},
                "vulnerabilities": [_vulnerability(released, released.change, cve, facts.way.target)
                                    for released in found if isinstance(released.change, SecurityChange)
                                    for cve in released.change.cve or (None,)]}
    # CSAF 2.0, 5.1: the id in small letters, what is no letter, digit, plus or hyphen replaced.
    name = re.sub(r"[^+\-a-z0-9]+", "_", identity.lower())
    return f"{name}.json", (json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _document(release: Release, identity: str, edition: Edition, brand: Brand) -> dict[str, Any]:
    first = release.published_at or edition.date
    moments = [first, *([max(first, edition.date)] * (release.revision - 1))]
    return {
        "category": "csaf_security_advisory", "csaf_version": "2.0", "lang": "en",
        "title": f"Vulnerabilities closed in {PRODUCT} {release.version}",
        "publisher": {"category": "vendor", "name": brand.vendor, "namespace": brand.website.rstrip("/"),
                      "contact_details": brand.email},
        "notes": [{"category": "summary", "text": release.summary.en, "title": "Summary"}],
        "references": [{"category": "external", "summary": "Where to get help with this advisory",
                        "url": brand.website}],
        "tracking": {"id": identity, "status": "final", "version": str(release.revision),
                     "initial_release_date": iso(first), "current_release_date": iso(moments[-1]),
                     "revision_history": [_revision(number, moment, release)
                                          for number, moment in enumerate(moments, start=1)]},
    }


def _revision(number: int, moment: datetime, release: Release) -> dict[str, str]:
    said = release.correction.en if number == release.revision and release.correction else "Corrected"
    return {"number": str(number), "date": iso(moment), "summary": "First published" if number == 1 else said}


def _tree(brand: Brand, found: list[ReleasedChange]) -> dict[str, Any]:
    versions = sorted({released.version for released in found})
    branches = [{"category": "product_version", "name": str(version),
                 "product": {"name": f"{PRODUCT} {version}", "product_id": _fixed(str(version))}}
                for version in versions]
    ranges = {_range(released): _affected(released) for released in found}
    branches += [{"category": "product_version_range", "name": name,
                  "product": {"name": f"{PRODUCT} {name}", "product_id": identity}}
                 for name, identity in ranges.items()]
    return {"category": "vendor", "name": brand.vendor,
            "branches": [{"category": "product_name", "name": PRODUCT, "branches": branches}]}


def _fixed(version: str) -> str:
    return f"fixed-{version}"


def _affected(released: ReleasedChange) -> str:
    return "affected-" + re.sub(r"[^0-9a-z.<>=]+", "-", _range(released).removeprefix("vers:generic/"))


def _range(released: ReleasedChange) -> str:
    """The versions that have it, as a version range specifier; all before the corrected one when none are named."""
    change = released.change
    assert isinstance(change, SecurityChange)  # noqa: S101 - the callers hand over nothing else
    terms = change.affected or VersionRange((("<", released.version),))
    return "vers:generic/" + "|".join(f"{sign}{version}" for sign, version in terms.terms)


def _vulnerability(released: ReleasedChange, change: SecurityChange, cve: str | None, target: Release
                   ) -> dict[str, Any]:
    affected, fixed = _affected(released), _fixed(str(released.version))
    found: dict[str, Any] = {"cve": cve} if cve else {}
    if change.error:
        found["ids"] = [{"system_name": f"{PRODUCT} error log", "text": change.error}]
    base = next((word for floor, word in _SEVERITY if change.score >= floor), "NONE")
    return {
        **found,
        "notes": [{"category": "description", "text": change.text.en, "title": "Description"}],
        "product_status": {"known_affected": [affected], "fixed": [fixed]},
        "scores": [{"products": [affected], "cvss_v3": {
            "version": change.cvss.split("/")[0].removeprefix("CVSS:"), "vectorString": change.cvss,
            "baseScore": change.score, "baseSeverity": base}}],
        "remediations": list(_remedies(released, change, affected, target)),
        **({"threats": [{"category": "exploit_status", "details": "Exploitation is known.",
                         "product_ids": [affected]}]} if change.exploited else {}),
    }


def _remedies(released: ReleasedChange, change: SecurityChange, affected: str, target: Release
              ) -> Iterator[dict[str, Any]]:
    restart = {Restart.NONE: "none", Restart.SERVICE: "service", Restart.HOST: "machine"}[target.install.restart]
    yield {"category": "vendor_fix", "details": f"Install {PRODUCT} {released.version} or newer.",
           "product_ids": [affected], "restart_required": {"category": restart}}
    if change.workaround is not None:
        yield {"category": "workaround", "details": change.workaround.en, "product_ids": [affected]}
