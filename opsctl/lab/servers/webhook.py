"""Records every request as a line of JSON: `python -m opsctl.lab.servers.webhook`."""

from __future__ import annotations

import json
import sys
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opsctl.lab import paths
from opsctl.lab.definition import GATEWAY, WEBHOOK_PORT
from opsctl.lab.process import claim

RECORD = paths.WEBHOOKS / "requests.jsonl"
_LARGEST_BODY = 1024 * 1024
_writing = threading.Lock()


class _Handler(BaseHTTPRequestHandler):
    timeout = 30

    def do_POST(self) -> None:
        """Write `{"at", "path", "headers", "body"}`; the body is text, whatever was sent."""
        length = min(int(self.headers.get("Content-Length") or 0), _LARGEST_BODY)
        line = json.dumps({
            "at": datetime.now(UTC).isoformat(), "path": self.path, "headers": dict(self.headers.items()),
            "body": self.rfile.read(length).decode("utf-8", errors="replace")})
        with _writing, RECORD.open("a", encoding="utf-8") as record:
            record.write(line + "\n")
        self.send_response(204)
        self.end_headers()


def main() -> int:
    """Serve until the process is ended."""
    mark = claim(paths.SERVICES / "webhook.json")
    with ThreadingHTTPServer((GATEWAY, WEBHOOK_PORT), _Handler) as server:
        server.serve_forever()
    mark.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
