"""READY's schema, step by step. Each step has a number, and each release knows the steps up to its own schema."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Migration:
    """One step: its statements per engine, in order."""

    number: int
    title: str
    postgresql: tuple[str, ...]
    mariadb: tuple[str, ...]

    def statements(self, engine: str) -> tuple[str, ...]:
        """The statements for `postgresql` or `mariadb`."""
        return self.postgresql if engine == "postgresql" else self.mariadb


def _same(number: int, title: str, *statements: str) -> Migration:
    return Migration(number, title, statements, statements)


MIGRATIONS: tuple[Migration, ...] = (
    _same(1, "meters",
          "CREATE TABLE meters (id INTEGER PRIMARY KEY, serial VARCHAR(20) NOT NULL UNIQUE, "
          "medium VARCHAR(10) NOT NULL, installed_on DATE NOT NULL)"),
    Migration(
        2, "readings",
        ("CREATE TABLE readings (id BIGSERIAL PRIMARY KEY, meter_id INTEGER NOT NULL REFERENCES meters (id), "
         "read_at TIMESTAMP NOT NULL, value NUMERIC(14, 3) NOT NULL)",),
        ("CREATE TABLE readings (id BIGINT AUTO_INCREMENT PRIMARY KEY, meter_id INTEGER NOT NULL, "
         "read_at DATETIME NOT NULL, value DECIMAL(14, 3) NOT NULL, FOREIGN KEY (meter_id) REFERENCES meters (id))",)),
    _same(3, "readings by meter and time", "CREATE INDEX readings_by_meter ON readings (meter_id, read_at)"),
    _same(4, "tariff of a meter", "ALTER TABLE meters ADD COLUMN tariff VARCHAR(10) NOT NULL DEFAULT 'standard'"),
    Migration(
        5, "leak alarms",
        ("CREATE TABLE alarms (id BIGSERIAL PRIMARY KEY, meter_id INTEGER NOT NULL REFERENCES meters (id), "
         "raised_at TIMESTAMP NOT NULL, kind VARCHAR(20) NOT NULL)",),
        ("CREATE TABLE alarms (id BIGINT AUTO_INCREMENT PRIMARY KEY, meter_id INTEGER NOT NULL, "
         "raised_at DATETIME NOT NULL, kind VARCHAR(20) NOT NULL, FOREIGN KEY (meter_id) REFERENCES meters (id))",)),
    _same(6, "readings in whole thousandths",
          "ALTER TABLE readings ADD COLUMN thousandths BIGINT",
          "UPDATE readings SET thousandths = round(value * 1000)"),
    # Release 6.0.1 renames the column but still asks for the old name: its health check fails once this step
    # is done, and only a restored database helps.
    _same(7, "serial number of a meter", "ALTER TABLE meters RENAME COLUMN serial TO serial_number"),
)
