"""Database backup with retention (P16, P17): take, list, verify, restore, prune."""
