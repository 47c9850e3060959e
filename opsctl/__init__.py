"""opsctl operates the metering system READY for many customers, within what each contract covers."""

__version__ = "0.1.0"
