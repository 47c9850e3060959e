"""Certificates ordered from an ACME server (RFC 8555), its http-01 challenges answered by the caller."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsctl.adapters.authority import Signed
from opsctl.core.errors import ConfigurationError, OperationFailed
from opsctl.core.secret import Secret
from opsctl.core.text import printable

if TYPE_CHECKING:
    from acme.client import ClientV2
    from acme.messages import OrderResource

Answering = Callable[[Mapping[str, str]], AbstractContextManager[None]]
"""Serves the text of each token at `/.well-known/acme-challenge/TOKEN` on port 80 while it is open."""

ORDER_SECONDS, ANSWER_SECONDS, NONCES, CONNECTIONS = 120, 30, 6, 3
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22,200}")  # RFC 8555, 8.3: base64url, at least 128 bits


def order(request: str, names: tuple[str, ...], directory: str, account_key: Secret, ca_file: Path | None,
          contact: str | None, answering: Answering) -> tuple[Signed, str]:
    """The certificate for `request`, which must ask for exactly `names`, and the account's address.

    The account is the key's: it is made when the server has none for it. ConfigurationError for a key that is of no
    use; OperationFailed for a request that asks for something else, and whatever the server refuses or does not answer.
    """
    _require_names(request, names)
    with _told(directory):
        client, account = _client(directory, account_key, ca_file, contact)
        made = client.new_order(request.encode())
        until = datetime.now() + timedelta(seconds=ORDER_SECONDS)
        _answer(client, made, answering, until)
        return _signed(client.finalize_order(made, until).fullchain_pem, request), account


def _client(directory: str, key: Secret, ca_file: Path | None, contact: str | None) -> tuple[ClientV2, str]:
    """A client, and its account's address; the server's certificate is always verified, only https is spoken."""
    from acme import client, errors, messages
    from requests.adapters import HTTPAdapter
    from urllib3.util import Retry

    class Network(client.ClientNetwork):
        def post(self, *args: Any, **kwargs: Any) -> Any:
            """Again with a fresh nonce as RFC 8555, 6.5 wants it, but not for ever."""
            for left in reversed(range(NONCES)):
                try:
                    return self._post_once(*args, **kwargs)
                except messages.Error as error:
                    if error.code != "badNonce" or not left:
                        raise
            return None

    jwk, algorithm = _account_key(key)
    network = Network(jwk, alg=algorithm, user_agent="opsctl", timeout=ANSWER_SECONDS)
    network.verify_ssl = _trusted(ca_file)  # type: ignore[assignment] # requests takes the path of a bundle
    network.session.adapters.pop("http://")
    network.session.mount("https://", HTTPAdapter(max_retries=Retry(
        total=CONNECTIONS, connect=CONNECTIONS, read=0, redirect=0, status=0, other=0, backoff_factor=0.5)))
    try:
        made = client.ClientV2(client.ClientV2.get_directory(directory, network), network)
        made.new_account(messages.NewRegistration(contact=(f"mailto:{contact}",) if contact else (),
                                                  terms_of_service_agreed=True))
    except errors.ConflictError as kept:
        network.account = messages.RegistrationResource(uri=kept.location, body=messages.Registration())
    except (KeyError, AttributeError, TypeError) as error:
        raise OperationFailed(f"{directory} is no ACME directory: {type(error).__name__}",
                              "correct `directory` in opsctl.yml") from None
    return made, str(getattr(network.account, "uri", ""))


def _account_key(key: Secret) -> tuple[Any, Any]:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from josepy.jwa import ES256, RS256
    from josepy.jwk import JWKEC, JWKRSA

    with suppress(ValueError, TypeError):
        found = load_pem_private_key(key.reveal().encode() + b"\n", password=None)
        if isinstance(found, rsa.RSAPrivateKey) and found.key_size >= 2048:
            return JWKRSA(key=found), RS256
        if isinstance(found, ec.EllipticCurvePrivateKey) and isinstance(found.curve, ec.SECP256R1):
            return JWKEC(key=found), ES256
    raise ConfigurationError("the account's key for ACME cannot be used",
                             "see `acme` in opsctl.yml: PEM without a passphrase, P-256 or RSA of 2048 bits or more")


def _trusted(ca_file: Path | None) -> str | bool:
    """What requests verifies the server by: the bundle given, or what this machine trusts."""
    if ca_file is None:
        ours = ssl.get_default_verify_paths()
        return ours.cafile or ours.capath or True
    try:
        ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError):
        raise ConfigurationError(f"the authorities {ca_file} cannot be read", "see `acme` in opsctl.yml") from None
    return str(ca_file)


def _answer(client: ClientV2, made: OrderResource, answering: Answering, until: datetime) -> None:
    """Let the server find the answers to its challenges, as long as it looks for them."""
    from acme import challenges, messages

    found, texts = [], {}
    for authorization in made.authorizations:
        if authorization.body.status == messages.STATUS_VALID:
            continue
        offered = [one for one in authorization.body.challenges if isinstance(one.chall, challenges.HTTP01)]
        if not offered:
            raise OperationFailed("the ACME server offers no http-01 challenge for "
                                  f"{printable(authorization.body.identifier.value)}", "use another authority for it")
        response, text = offered[0].chall.response_and_validation(client.net.key)
        token = offered[0].chall.encode("token")
        if not _TOKEN.fullmatch(token):
            raise OperationFailed("the ACME server's token is none (RFC 8555, 8.3)", "tell who runs the server")
        found.append((offered[0], response))
        texts[token] = text
    if not found:
        return
    with answering(texts):
        for challenge, response in found:
            client.answer_challenge(challenge, response)
        client.poll_authorizations(made, until)


def _require_names(request: str, names: tuple[str, ...]) -> None:
    """The host makes the request, but what it asks for is decided here."""
    from cryptography import x509

    try:
        asked = x509.load_pem_x509_csr(request.encode())
        alternatives = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found = {str(one.value).lower() for one in alternatives}
        right = found == {name.lower() for name in names} and not list(asked.subject) and asked.is_signature_valid
    except (ValueError, TypeError, x509.ExtensionNotFound):
        right = False
    if not right:
        raise OperationFailed("the host's signing request does not ask for the names decided here",
                              "look at openssl on the host, then run it again")


def _signed(chain: str, request: str) -> Signed:
    """The chain as it is installed; OperationFailed when it is none for the request's key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization

    try:
        found = x509.load_pem_x509_certificates(chain.encode())
    except ValueError:
        found = []
    if not found or found[0].public_key() != x509.load_pem_x509_csr(request.encode()).public_key():
        raise OperationFailed("what the ACME server gave is no certificate for the new key", "tell who runs the server")
    pem = "".join(one.public_bytes(serialization.Encoding.PEM).decode() for one in found)
    return Signed(pem, found[0].fingerprint(hashes.SHA256()).hex(), found[0].not_valid_after_utc)


@contextmanager
def _told(directory: str) -> Iterator[None]:
    """Failures of the library and of the network, as errors of ours; no key or answer is in them."""
    import requests
    from acme import errors, messages
    from josepy.errors import Error as Unreadable

    try:
        yield
    except errors.ValidationError as error:
        details = tuple(printable(f"{one.body.identifier.value}: {challenge.error.detail}")[:300]
                        for one in error.failed_authzrs for challenge in one.body.challenges if challenge.error)
        raise OperationFailed("the ACME server did not find the right answer to its challenge",
                              "is the host's port 80 reached from there, and is `webroot` what is served on it?",
                              details) from None
    except errors.TimeoutError:
        raise OperationFailed(f"the ACME server was not done within {ORDER_SECONDS} seconds",
                              "run it again later") from None
    except messages.Error as error:
        raise OperationFailed(f"the ACME server refused: {printable(str(error))[:300]}",
                              "see what the server's documentation says of it") from None
    except (errors.Error, Unreadable) as error:
        raise OperationFailed(f"the ACME server's answer is not usable: {type(error).__name__}",
                              "tell who runs the server") from None
    except requests.RequestException as error:
        raise OperationFailed(f"{directory} does not answer as it should: {type(error).__name__}",
                              "is it reached from here, and does `ca_file` have the authority of its certificate?",
                              ) from None
