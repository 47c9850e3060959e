"""`python -m opsctl`."""

from opsctl.cli.main import run

run()
