"""The outside world, one module each. SDKs are imported only here and only when used."""
