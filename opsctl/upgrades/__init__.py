"""Upgrades of the Debian release and of PostgreSQL's major version (P10): plan, upgrade, prove, go back, finish."""
