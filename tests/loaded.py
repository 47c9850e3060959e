"""What a command line loads sooner or later, for the process that tests/forked.py forks from."""

import importlib

from opsctl.cli.main import COMMANDS, GROUPS

for name in (*GROUPS, *COMMANDS):
    importlib.import_module(f"opsctl.cli.{name}")
for name in ("opsctl.contract.gate", "opsctl.ledger", "opsctl.profiles.loader", "opsctl.fleet.nightly",
             "opsctl.report.fleet_status", "opsctl.notices.service", "sqlalchemy.dialects.sqlite", "babel.dates"):
    importlib.import_module(name)
