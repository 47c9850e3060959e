"""The profile's JSON Schema with descriptions, for editors."""

from __future__ import annotations

import json
from typing import Any

from opsctl.profiles.model import ADAPTER


def schema_text() -> str:
    """The schema as JSON text (draft 2020-12), the same bytes for the same opsctl."""
    schema: dict[str, Any] = ADAPTER.json_schema()
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "opsctl customer profile",
              "description": "One customer of READY; see `opsctl profile validate`.", **schema}
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False)
