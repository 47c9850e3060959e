"""The monthly service report: a pure function of the ledger, the profile and the releases."""
