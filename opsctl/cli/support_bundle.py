"""`opsctl support bundle`: redacted diagnostics of one customer (P36)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from opsctl.cli.files import require_writable, write
from opsctl.cli.result import Result
from opsctl.cli.workplace import Customer, profile, workplace


def bundle(customer: Customer, no_hosts: Annotated[bool, typer.Option(
        "--no-hosts", help="Ask no host.")] = False, output: Annotated[Path | None, typer.Option(
        "--output", metavar="FILE.tar.gz", help="Write here; opsctl-bundle-CUSTOMER.tar.gz by default.")] = None
           ) -> Result:
    """Write diagnostics without secrets and personal data, to hand to who troubleshoots."""
    from opsctl.fleet.diagnostics import read_hosts
    from opsctl.support.bundle import collect, packed

    found = profile(customer)
    path = output or Path(f"opsctl-bundle-{found.customer}.tar.gz")
    require_writable(path)
    with workplace(acts=False) as place:
        now = place.clock.now()
        hosts = {"not_read": "left alone by --no-hosts"} if no_hosts else read_hosts(place, found)
        files = collect(place, found, now, hosts)
    write(path, packed(files, found.customer, now), mode=0o600)
    lines = [f"{path} written; no secret, name or address is in it:",
             *(f"  {name:18} {len(content)} bytes" for name, content in sorted(files.items()))]
    silent = [str(hosts["not_read"])] if "not_read" in hosts and not no_hosts else [
        f"{name}: {said['message']}" for name, said in hosts.items() if isinstance(said, dict) and "message" in said]
    return Result({"output": str(path), "files": {name: len(content) for name, content in files.items()}},
                  "\n".join(lines), warnings=tuple(f"not read: {why}" for why in silent))
