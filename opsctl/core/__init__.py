"""Values and rules without any input or output: errors, clock, days, secrets, outcomes."""
