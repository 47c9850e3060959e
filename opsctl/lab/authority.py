"""The lab's certificate authority: one key, server certificates for everything that speaks TLS."""

from __future__ import annotations

import ipaddress
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from opsctl.lab import paths

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

_KEY = paths.AUTHORITY_KEY
_DAYS = 825
_CLOCK_TOLERANCE = timedelta(days=1)


def ensure_authority() -> None:
    """Make the authority's key and certificate unless they exist."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    if _KEY.exists() and paths.AUTHORITY_CERTIFICATE.exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "opsctl lab authority")])
    certificate = _sign(name, name, key.public_key(), key, (
        (x509.BasicConstraints(ca=True, path_length=0), True),
        (x509.KeyUsage(True, False, False, False, False, True, True, False, False), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)))
    _write_key(_KEY, key)
    paths.AUTHORITY_CERTIFICATE.write_bytes(_pem(certificate))


def ensure_server_certificate(folder: Path, address: str, names: tuple[str, ...] = ()) -> None:
    """Write `server.pem` and `server.key` (0600) for `address` into `folder` unless they exist."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID

    if (folder / "server.pem").exists() and (folder / "server.key").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    authority = x509.load_pem_x509_certificate(paths.AUTHORITY_CERTIFICATE.read_bytes())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0] if names else address)])
    alternatives = [x509.IPAddress(ipaddress.ip_address(address)), *(x509.DNSName(name) for name in names)]
    authority_key = _load_key()
    certificate = _sign(subject, authority.subject, key.public_key(), authority_key, (
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (x509.SubjectAlternativeName(alternatives), False),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), False)))
    _write_key(folder / "server.key", key)
    (folder / "server.pem").write_bytes(_pem(certificate))


def _sign(subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey,
          signer: ec.EllipticCurvePrivateKey,
          extensions: tuple[tuple[x509.ExtensionType, bool], ...]) -> x509.Certificate:
    """A certificate for `public`; each extension comes with whether it is critical."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    now = datetime.now(UTC)
    builder = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
               .serial_number(x509.random_serial_number())
               .not_valid_before(now - _CLOCK_TOLERANCE).not_valid_after(now + timedelta(days=_DAYS)))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(signer, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives import serialization

    return certificate.public_bytes(serialization.Encoding.PEM)


def _load_key() -> ec.EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = serialization.load_pem_private_key(_KEY.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{_KEY} is not an elliptic curve key")
    return key


def _write_key(file: Path, key: ec.EllipticCurvePrivateKey) -> None:
    from cryptography.hazmat.primitives import serialization

    content = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
        handle.write(content)
