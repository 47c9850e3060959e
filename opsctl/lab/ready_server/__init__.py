"""The sample READY server: sources of the Debian package `ready-server`. Runs on the lab's hosts, not here."""
