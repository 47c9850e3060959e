"""Brings a database to a revision with Alembic; imported only when there is something to migrate."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def configuration(connection: Connection) -> Config:
    """Alembic's configuration for the packaged migrations, working over `connection`."""
    config = Config()
    # Alembic reads this value through an interpolating parser, in which % must be doubled.
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def migrate(connection: Connection, revision: str = "head") -> None:
    """Upgrade inside the connection's transaction: it arrives whole, or not at all."""
    command.upgrade(configuration(connection), revision)
