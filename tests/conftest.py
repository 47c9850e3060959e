"""Plugins for every test: what was not exercised, a ledger's databases, and the lab as tests see it."""

import signal

from hypothesis import HealthCheck, settings

# How long an example takes says something of the machine, not of the code under test.
settings.register_profile("opsctl", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# `./run-tests unit` answers within a minute; everything is tried more often in the whole suite.
settings.register_profile("quick", settings.get_profile("opsctl"), max_examples=15)
settings.load_profile("opsctl")

pytest_plugins = ("tests.not_exercised", "tests.unit.ledger.databases", "tests.lab.surroundings")


def pytest_configure() -> None:
    """A script's background job inherits SIGINT as ignored, and so would every command that tests interrupt."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
