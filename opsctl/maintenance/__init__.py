"""Patching of OS, middleware and platform (P10, P21): plan, apply, prove."""
