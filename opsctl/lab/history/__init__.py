"""Generated history: what a fleet of invented customers would have left in the ledger. Marked, and never evidence."""
