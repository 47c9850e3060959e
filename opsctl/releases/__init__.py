"""READY's releases as data: one file per release, the catalogue of all, and the path from one version to another."""
