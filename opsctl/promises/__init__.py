"""The promise register: what the contract makes due, matched with what the ledger shows."""
