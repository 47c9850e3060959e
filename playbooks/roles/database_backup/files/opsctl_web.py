"""One connection to the store: parts put to and fetched from signed addresses.

Sent together with `opsctl_stream.py`, whose text tells the dialogue. Python 3.9, standard library only.
"""

import base64
import hashlib
import http.client
import re
import ssl
import threading
import time
from urllib.parse import urlsplit

from opsctl_link import CHUNK_BYTES, PIPE_BYTES, Failed

ATTEMPTS = 7


class Limit:
    """Lets through at most `rate` bytes per second over all threads; None lets everything through."""

    def __init__(self, rate):
        self.rate, self.free_at, self.lock = rate, time.monotonic(), threading.Lock()

    def take(self, count):
        if not self.rate:
            return
        with self.lock:
            start = max(self.free_at, time.monotonic())
            self.free_at = start + count / self.rate
        time.sleep(max(0.0, start - time.monotonic()))


class Refused(Exception):
    """An answer of the store that is not success."""

    def __init__(self, response, text):
        found = re.search(rb"<Code>([A-Za-z]{1,60})</Code>", text)
        code = found.group(1).decode() if found else response.reason
        super().__init__(f"{response.status} {code}")
        # An address that has ended: 403 by most stores, 400 by some.
        self.denied = response.status == 403 or code == "AccessDenied"
        self.passing = (self.denied or response.status in (408, 429) or response.status >= 500
                        or code in ("BadDigest", "RequestTimeout"))


class Web:
    """One connection to the store, kept open between parts; TLS is verified."""

    def __init__(self, ca, limit):
        try:
            self.context = ssl.create_default_context(cadata=ca or None)
        except (OSError, TypeError, ValueError) as error:
            raise Failed(f"this host's Python does not take the store's CA file: {error}") from None
        self.limit, self.connection, self.place = limit, None, None

    def exchange(self, method, url, headers, body=None):
        """One request; returns the response with its body still to be read."""
        target = urlsplit(url)
        if self.connection is None or self.place != target.netloc:
            self.close()
            kind = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
            extra = {"context": self.context} if target.scheme == "https" else {}
            self.connection, self.place = kind(target.hostname, target.port, timeout=60, **extra), target.netloc
        # No Content-Type: it is not signed, and some stores refuse what urllib would add.
        self.connection.putrequest(method, f"{target.path}?{target.query}", skip_accept_encoding=True)
        for name, value in headers.items():
            self.connection.putheader(name, value)
        self.connection.endheaders()
        for start in range(0, len(body or b""), CHUNK_BYTES):
            chunk = body[start:start + CHUNK_BYTES]
            self.limit.take(len(chunk))
            self.connection.send(chunk)
        return self.connection.getresponse()

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def patiently(self, link, way, key, once):
        """Try `once(url)` until it answers; a refused address is renewed, a busy store waited for."""
        refusal, denied = "", False
        for attempt in range(ATTEMPTS):
            try:
                return once(link.address(way, key, renew=denied))
            except (OSError, http.client.HTTPException, Refused) as error:
                self.close()
                refusal = str(error) if isinstance(error, Refused) else type(error).__name__
                denied = getattr(error, "denied", False)
                if isinstance(error, ssl.SSLCertVerificationError) or not getattr(error, "passing", True):
                    break
                if attempt + 1 < ATTEMPTS and not (denied and attempt >= 2):
                    time.sleep(min(0.5 * 2 ** attempt, 10))
                    continue
                break
        raise Failed(f"the store did not take or give {key}: {refusal}")

    def put_part(self, link, key, view):
        """Put one part to its address; what the store, the control side and the manifest need to know of it."""
        md5, sha256 = hashlib.md5(view), hashlib.sha256(view)  # noqa: S324 (Content-MD5, RFC 1864; no signature)
        name, volume, number = key.split("/")

        def put(url):
            headers = {"Content-Length": str(len(view)), "Content-MD5": base64.b64encode(md5.digest()).decode()}
            response = self.exchange("PUT", url, headers, view)
            text = response.read()
            if response.status != 200:
                raise Refused(response, text)
            etag = (response.getheader("ETag") or "").strip('"')
            own_key = "kms" in (response.getheader("x-amz-server-side-encryption") or "")
            if etag != md5.hexdigest() and not own_key:
                raise Failed(f"the store holds something else than what was sent as part {number}")
            return etag

        return {"name": name, "volume": int(volume), "number": int(number), "size": len(view),
                "md5": md5.hexdigest(), "sha256": sha256.hexdigest(),
                "etag": self.patiently(link, "put", key, put)}

    def get_part(self, link, part):
        """Fetch one part of a stored object."""
        headers = {"Range": f"bytes={part['offset']}-{part['offset'] + part['size'] - 1}"}

        def get(url):
            response = self.exchange("GET", url, headers)
            if response.status not in (200, 206):
                raise Refused(response, response.read(2000))
            body = bytearray(part["size"])
            view, size = memoryview(body), 0
            while size < len(body):
                count = response.readinto(view[size:size + PIPE_BYTES])
                if not count:
                    raise OSError("cut short")
                self.limit.take(count)
                size += count
            if response.read(1):
                raise Failed("the store gave more than was asked for")
            return body

        return self.patiently(link, "get", part["key"], get)
