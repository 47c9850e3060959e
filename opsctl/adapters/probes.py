"""Probes of network components over TCP, TLS, HTTP and SSH, and by ping: bounded, retried, and never raising."""

from __future__ import annotations

import hashlib
import http.client
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

ATTEMPTS = 3
CONNECT_SECONDS = 2.0
TALK_SECONDS = 3.0
PAUSE_SECONDS = 0.2
WORKERS = 200
MAXIMUM_BODY = 64 * 1024


@dataclass(frozen=True)
class Target:
    """What to probe. ca_file: None for the authorities this machine trusts. known_hosts: for protocol ssh."""

    key: str
    address: str
    port: int | None = None
    protocol: str = "tcp"
    path: str = "/"
    server_name: str = ""
    ca_file: str | None = None
    known_hosts: Path | None = None


@dataclass(frozen=True)
class Probe:
    """What was found. problem: why it is not healthy, "" when it is. answered: attempts that connected.

    round_trip: median seconds of the connections. facts: what the component says of itself, as text.
    expires: of its certificate. clock: seconds by which its clock is ahead. addresses: what its name resolves to.
    """

    key: str
    problem: str = ""
    attempts: int = 0
    answered: int = 0
    round_trip: float | None = None
    expires: datetime | None = None
    clock: float | None = None
    addresses: tuple[str, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)


def probe_all(targets: Sequence[Target], workers: int = WORKERS) -> dict[str, Probe]:
    """Every target once, concurrently; by key. Ends within attempts x (connect + pause) + talk of the slowest."""
    if not targets:
        return {}
    with ThreadPoolExecutor(max_workers=min(workers, len(targets)), thread_name_prefix="probe") as pool:
        return {found.key: found for found in pool.map(probe, targets)}


def probe(target: Target) -> Probe:
    """One target. Whatever a component answers is a finding, never an exception."""
    try:
        addresses = _resolved(target.address)
    except OSError as error:
        return Probe(target.key, f"its name does not resolve: {error.strerror or error}")
    try:
        found = _ping(target) if target.port is None else _connected(target)
        return Probe(**{**found, "key": target.key, "addresses": addresses})
    except Exception as error:  # a component may answer with anything at all
        return Probe(target.key, f"the probe failed: {type(error).__name__}: {_short(error)}", addresses=addresses)


def _resolved(address: str) -> tuple[str, ...]:
    found = socket.getaddrinfo(address, None, type=socket.SOCK_STREAM)
    return tuple(sorted({str(one[4][0]) for one in found}))


def _connected(target: Target) -> dict[str, Any]:
    """Connect some times, for round trip and loss; then talk, once, when one of them was answered."""
    times: list[float] = []
    problem = ""
    for attempt in range(ATTEMPTS):
        started = time.perf_counter()
        try:
            with socket.create_connection((target.address, target.port or 0), CONNECT_SECONDS):
                times.append(time.perf_counter() - started)
        except OSError as error:
            problem = f"port {target.port} does not answer: {error.strerror or error}"
            if attempt < ATTEMPTS - 1:
                time.sleep(PAUSE_SECONDS)
    found: dict[str, Any] = {"attempts": ATTEMPTS, "answered": len(times), "problem": "" if times else problem}
    if times:
        found["round_trip"] = sorted(times)[len(times) // 2]
        found |= _TALKS[target.protocol](target)
    return found


def _nothing(_: Target) -> dict[str, Any]:
    return {}


def _tls(target: Target) -> dict[str, Any]:
    return _over_tls(target, lambda link: {})


def _over_tls(target: Target, talk: Callable[[ssl.SSLSocket], dict[str, Any]]) -> dict[str, Any]:
    """Chain, name and expiry of the certificate, and what `talk` finds.

    A certificate that is not valid is read again without trust, only to be shown.
    """
    try:
        context = _context(target)
    except (OSError, ValueError) as error:  # a file of this machine's: nothing is known of the component
        return {"problem": f"not probed: {target.ca_file}: {_of_file(error)}"}
    try:
        with socket.create_connection((target.address, target.port or 0), CONNECT_SECONDS) as plain:
            plain.settimeout(TALK_SECONDS)
            with context.wrap_socket(plain, server_hostname=target.server_name or target.address) as link:
                return _merged(_certificate(link), talk(link))
    except ssl.SSLCertVerificationError as error:
        return {"problem": f"its certificate is not valid: {error.verify_message}", "facts": _untrusted(target)}
    except (OSError, ValueError) as error:
        return {"problem": f"no TLS: {_short(error)}"}


def _context(target: Target) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=target.ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _certificate(link: ssl.SSLSocket) -> dict[str, Any]:
    told = link.getpeercert() or {}
    after = ssl.cert_time_to_seconds(str(told["notAfter"]))
    alternatives: Any = told.get("subjectAltName", ())
    names = ", ".join(sorted(str(one[1]) for one in alternatives))
    return {"expires": datetime.fromtimestamp(after, UTC),
            "facts": {"certificate": _fingerprint(link.getpeercert(binary_form=True) or b""), "names": names,
                      "tls": link.version() or ""}}


def _fingerprint(certificate: bytes) -> str:
    return hashlib.sha256(certificate).hexdigest()


def _untrusted(target: Target) -> dict[str, str]:
    found = shown(target)
    return {"certificate": _fingerprint(found)} if found else {}


def shown(target: Target) -> bytes:
    """The certificate (DER) that it shows in a handshake, for which it has the key; trusted or not. b"" for none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # read alone: nothing is sent over it and nothing of it is believed
    try:
        with socket.create_connection((target.address, target.port or 0), CONNECT_SECONDS) as plain:
            plain.settimeout(TALK_SECONDS)
            with context.wrap_socket(plain, server_hostname=target.server_name or target.address) as link:
                return link.getpeercert(binary_form=True) or b""
    except (OSError, ValueError):
        return b""


def _https(target: Target) -> dict[str, Any]:
    def talk(link: ssl.SSLSocket) -> dict[str, Any]:
        connection = http.client.HTTPConnection(target.address, target.port)
        connection.sock = link
        return _answer(connection, target)

    return _over_tls(target, talk)


def _http(target: Target) -> dict[str, Any]:
    return _answer(http.client.HTTPConnection(target.address, target.port or 80, timeout=TALK_SECONDS), target)


def _answer(link: http.client.HTTPConnection, target: Target) -> dict[str, Any]:
    started = time.time()
    try:
        link.request("GET", target.path, headers={"Host": target.server_name or target.address, "User-Agent": "opsctl",
                                                  "Connection": "close"})
        answer = link.getresponse()
        answer.read(MAXIMUM_BODY)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return {"problem": f"{target.path} gives no answer: {_short(error)}"}
    finally:
        link.close()
    problem = "" if 200 <= answer.status < 400 else f"{target.path} answers {answer.status}"
    return {"problem": problem, "clock": _offset(answer.getheader("Date"), (started + time.time()) / 2),
            "facts": {"server": (answer.getheader("Server") or "")[:80]}}


def _offset(date: str | None, middle: float) -> float | None:
    """Seconds by which the answer's Date is ahead; it tells whole seconds, so that half a second is nothing."""
    try:
        return None if date is None else round(parsedate_to_datetime(date).timestamp() + 0.5 - middle, 1)
    except (ValueError, TypeError, OverflowError):
        return None


def _ssh(target: Target) -> dict[str, Any]:
    from opsctl.adapters.host_keys import host_key

    problem, facts = host_key(target.address, target.port or 22, target.known_hosts, TALK_SECONDS)
    return {"problem": problem, "facts": facts}


def _ping(target: Target) -> dict[str, Any]:
    """Three echoes by ping(8), which has the rights for them that this process need not have."""
    if shutil.which("ping") is None:
        return {"problem": "not probed: it has no port, and ping is not installed here"}
    done = subprocess.run(["ping", "-n", "-q", "-c", str(ATTEMPTS), "-i", "0.3", "-W", "2", "--", target.address],
                          capture_output=True, text=True, timeout=15, check=False, env={"LC_ALL": "C"})
    answered = next((int(part.split()[0]) for part in done.stdout.split(", ") if "received" in part), 0)
    median = done.stdout.partition("min/avg/max")[2].partition("= ")[2].split("/")
    found: dict[str, Any] = {"attempts": ATTEMPTS, "answered": answered,
                             "problem": "" if answered else "it does not answer an echo request"}
    if answered and len(median) > 1:
        found["round_trip"] = float(median[1]) / 1000
    return found


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return {**one, **other, "facts": {**one.get("facts", {}), **other.get("facts", {})}}


def _of_file(error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return "it holds no certificate authority"
    return error.strerror or _short(error) if isinstance(error, OSError) else _short(error)


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__


_TALKS: dict[str, Callable[[Target], dict[str, Any]]] = {
    "tcp": _nothing, "tls": _tls, "https": _https, "http": _http, "ssh": _ssh}
