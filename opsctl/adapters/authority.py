"""A certificate authority of the operator's own: signs a request for names that the caller decides (RFC 5280)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

from opsctl.core.errors import ConfigurationError, OperationFailed
from opsctl.core.secret import Secret

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

_CLOCKS_APART = timedelta(hours=1)
"""A new certificate is valid a little earlier, for machines whose clock is behind."""


@dataclass(frozen=True)
class Signed:
    """A certificate. pem: it and the authority's, as a server shows them. fingerprint: SHA-256 of it, hexadecimal."""

    pem: str
    fingerprint: str
    ends: datetime


def sign(request: str, names: tuple[str, ...], authority: bytes, key: Secret, days: int, now: datetime) -> Signed:
    """Sign the public key of `request` for `names`; what else the request asks for is not looked at.

    authority: its certificate and those above it (PEM). ConfigurationError when they or the key cannot be used, or the
    authority ends before the new certificate; OperationFailed for a request that is none, or not signed by its key.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509.oid import ExtendedKeyUsageOID

    issuer, signer = _issuer(authority, key)
    try:
        asked = x509.load_pem_x509_csr(request.encode())
    except ValueError:
        raise OperationFailed("what the host gave is no signing request", "look at openssl on the host") from None
    if not asked.is_signature_valid:
        raise OperationFailed("the signing request is not signed by its own key", "run it again")
    ends = (now + timedelta(days=days)).replace(microsecond=0)
    if issuer.not_valid_after_utc < ends:
        raise ConfigurationError(f"the authority ends on {issuer.not_valid_after_utc:%Y-%m-%d}, before what it would "
                                 "sign", "renew the authority, or lower its `days` in opsctl.yml")
    built = (x509.CertificateBuilder()
             .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0][:64])]))
             .issuer_name(issuer.subject).public_key(asked.public_key())
             .serial_number(x509.random_serial_number())
             .not_valid_before(now - _CLOCKS_APART).not_valid_after(ends)
             .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
             .add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), critical=False)
             .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
             .add_extension(x509.SubjectKeyIdentifier.from_public_key(asked.public_key()), critical=False)
             .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
             .sign(signer, hashes.SHA256()))
    own = built.public_bytes(serialization.Encoding.PEM).decode()
    above = "" if issuer.subject == issuer.issuer else authority.decode("ascii", "replace").strip() + "\n"
    return Signed(own + above, built.fingerprint(hashes.SHA256()).hex(), ends)


def vouched(shown: bytes, authority: bytes, own: Collection[str]) -> tuple[str, ...]:
    """The names in the certificate shown (DER), when this very authority signed it for one of `own`; otherwise none.

    A name that a host gives itself is not among them, nor is one of another's certificate that it shows.
    """
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature

    try:
        found = x509.load_der_x509_certificate(shown)
        found.verify_directly_issued_by(x509.load_pem_x509_certificate(authority))
        alternatives = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return ()
    names = (*alternatives.get_values_for_type(x509.DNSName),
             *(str(address) for address in alternatives.get_values_for_type(x509.IPAddress)))
    return names if {name.lower() for name in names} & {name.lower() for name in own} else ()


def _issuer(authority: bytes, key: Secret) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey]:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    try:
        issuer = x509.load_pem_x509_certificate(authority)
        signer = serialization.load_pem_private_key(key.reveal().encode() + b"\n", password=None)
    except (ValueError, TypeError):
        raise ConfigurationError("the authority's certificate or key cannot be read",
                                 "see `authorities` in opsctl.yml: PEM, the key without a passphrase") from None
    if not isinstance(signer, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise ConfigurationError("the authority's key is neither RSA nor on an elliptic curve", "use another authority")
    if signer.public_key() != issuer.public_key():
        raise ConfigurationError("the authority's key does not belong to its certificate",
                                 "see `authorities` in opsctl.yml")
    return issuer, signer


def _name(name: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
