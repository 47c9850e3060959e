"""The lab without the rest of the command line: `python -m opsctl.lab up|down|status|reset|fault`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from opsctl.core.errors import OpsctlError
from opsctl.lab import fault, service


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m opsctl.lab")
    parser.add_argument("--checkout", type=Path, default=Path.cwd())
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("up", "down", "status"):
        commands.add_parser(name)
    commands.add_parser("reset").add_argument("hosts", nargs="*")
    setting = commands.add_parser("fault")
    setting.add_argument("target")
    setting.add_argument("kind")
    setting.add_argument("switch", choices=("on", "off"))
    return parser


def main() -> int:
    """Run one command; the status goes to standard output as JSON, progress to standard error."""
    given = _parser().parse_args()
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {text}", file=sys.stderr, flush=True)  # noqa: T201

    try:
        if given.command == "up":
            service.up(given.checkout, say)
        elif given.command == "down":
            service.down(say)
        elif given.command == "reset":
            service.reset(given.checkout, say, given.hosts)
        elif given.command == "fault":
            fault.set_fault(given.target, given.kind, given.switch == "on")
    except OpsctlError as error:
        print("\n".join(part for part in (error.message, error.resolution, *error.details) if part),  # noqa: T201
              file=sys.stderr)
        return int(error.exit_code)
    print(json.dumps(asdict(service.status()), indent=2))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
