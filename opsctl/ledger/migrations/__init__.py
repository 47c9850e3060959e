"""The ledger's schema revisions, run by `opsctl.ledger.migrate`."""
