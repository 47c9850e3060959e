"""What a command line loads sooner or later, for the process that tests/forked.py forks from."""

import gc
import importlib
import pkgutil

import opsctl

# Programs that run elsewhere: as themselves, in a process or on a host of their own.
APART = ("opsctl.__main__", "opsctl.lab.servers", "opsctl.lab.ready_server", "opsctl.ledger.migrations")

for module in pkgutil.walk_packages(opsctl.__path__, "opsctl."):
    if not module.name.startswith(APART):
        importlib.import_module(module.name)
for name in ("sqlalchemy.dialects.sqlite", "babel.dates"):
    importlib.import_module(name)
# What stays for good is not looked through again by each process forked from here.
gc.freeze()
