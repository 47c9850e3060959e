"""The skeleton of every run: gate -> lease -> act -> record. Service rooms fill in the act."""
