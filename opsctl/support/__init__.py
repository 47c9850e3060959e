"""Service & Support: the levels' clock in support hours (P31-P33, P39-P43)."""
