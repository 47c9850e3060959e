"""The lab: real Debian hosts, an apt repository, an object store and a mail server on one machine."""
