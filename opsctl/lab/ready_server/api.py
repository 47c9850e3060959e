"""What READY answers: each function returns an HTTP status and a JSON object."""

from __future__ import annotations

from typing import Any

from . import database
from .release import load_modules, load_release

Answer = tuple[int, dict[str, Any]]
LARGEST_PAGE = 1000


def health() -> Answer:
    """200 when the database answers, has the release's schema, the tables can be read, and the release brings every
    module that is switched on; 503 with the reason.
    """
    release = load_release()
    known: dict[str, Any] = {"version": release.version}
    strange = [name for name in load_modules() if name not in release.modules]
    if strange:
        return 503, {"status": "failing", **known, "reason": f"READY {release.version} has no module {strange[0]}"}
    try:
        with database.connected() as connection:
            known["schema"] = database.schema_version(connection)
            if known["schema"] != release.schema:
                return 503, {"status": "failing", **known, "reason": f"schema {release.schema} is needed"}
            database.query(connection, "SELECT serial FROM meters ORDER BY id LIMIT 1")
            database.query(connection, "SELECT id FROM readings ORDER BY id LIMIT 1")
    except Exception as error:
        return 503, {"status": "failing", **known, "reason": str(error).strip().splitlines()[0]}
    return 200, {"status": "ok", **known}


def read(path: str, given: dict[str, list[str]]) -> Answer:
    """GET /api/v1/meters and /api/v1/readings?meter=ID, with `limit`."""
    try:
        limit = max(1, min(int(given.get("limit", ["100"])[0]), LARGEST_PAGE))
        meter = int(given["meter"][0]) if "meter" in given else None
    except ValueError:
        return 400, {"error": "limit and meter are numbers"}
    try:
        return _rows(path, meter, limit)
    except Exception as error:
        return 503, {"error": str(error).strip().splitlines()[0]}


def _rows(path: str, meter: int | None, limit: int) -> Answer:
    with database.connected() as connection:
        if path == "/api/v1/meters":
            rows = database.query(connection, "SELECT id, serial, medium FROM meters ORDER BY id LIMIT %s", (limit,))
            return 200, {"meters": [{"id": row[0], "serial": row[1], "medium": row[2]} for row in rows]}
        if path == "/api/v1/readings" and meter is not None:
            rows = database.query(connection, "SELECT id, read_at, value FROM readings WHERE meter_id = %s "
                                              "ORDER BY read_at DESC LIMIT %s", (meter, limit))
            return 200, {"readings": [{"id": row[0], "read_at": row[1].isoformat(), "value": str(row[2])}
                                      for row in rows]}
        if path == "/api/v1/readings":
            return 200, {"count": database.query(connection, "SELECT count(*) FROM readings")[0][0]}
    return 404, {"error": "not found"}


def write(path: str, content: Any) -> Answer:
    """POST /api/v1/readings with `{"meter": ID, "read_at": "2026-01-31T10:00:00", "value": "12.345"}`."""
    if path != "/api/v1/readings":
        return 404, {"error": "not found"}
    if not isinstance(content, dict) or not {"meter", "read_at", "value"} <= content.keys():
        return 400, {"error": "meter, read_at and value are needed"}
    columns, values = "meter_id, read_at, value", [content["meter"], content["read_at"], content["value"]]
    marks = "%s, %s, %s"
    try:
        with database.connected() as connection:
            if load_release().schema >= 6:
                columns, marks = f"{columns}, thousandths", f"{marks}, round(%s * 1000)"
                values.append(float(content["value"]))
            database.query(connection, f"INSERT INTO readings ({columns}) VALUES ({marks})", values)  # noqa: S608 - both fixed above
    except Exception as error:
        return 400, {"error": str(error).strip().splitlines()[0]}
    return 201, {"written": 1}
