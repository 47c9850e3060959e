"""Serves the apt repository over HTTP: `python -m opsctl.lab.servers.apt`."""

from __future__ import annotations

import functools
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from opsctl.lab import paths
from opsctl.lab.definition import APT_PORT, GATEWAY
from opsctl.lab.process import claim


class _Handler(SimpleHTTPRequestHandler):
    """Files of the repository; nothing that starts with a dot, and a time limit per connection."""

    timeout = 60
    protocol_version = "HTTP/1.1"

    def translate_path(self, path: str) -> str:
        found = super().translate_path(path)
        hidden = any(part.startswith(".") for part in path.partition("?")[0].split("/"))
        return str(paths.REPOSITORY / "absent") if hidden else found


def main() -> int:
    """Serve until the process is ended."""
    mark = claim(paths.SERVICES / "apt.json")
    handler = functools.partial(_Handler, directory=str(paths.REPOSITORY))
    with ThreadingHTTPServer((GATEWAY, APT_PORT), handler) as server:
        server.serve_forever()
    mark.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
