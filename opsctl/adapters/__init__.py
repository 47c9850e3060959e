"""The outside world, one module each. SDKs are imported only here and only when used."""

import logging

# What paramiko's own threads complain of reaches the caller as an error; without a handler it would print too.
logging.getLogger("paramiko").addHandler(logging.NullHandler())
