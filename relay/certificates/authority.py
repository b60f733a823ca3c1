"""One talk with an authority: account, order, challenges, certificate (RFC 8555). Blocking, within limits."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from acme import challenges, client, errors, messages
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from josepy.errors import Error as JoseError
from josepy.jwa import ES256

from config.settings import Settings
from relay.certificates.account import AuthorityAccount
from relay.certificates.alpn import AlpnChallenge, hello_certificate
from relay.certificates.errors import CertificateFailed
from relay.certificates.place import CertificatePlace
from relay.certificates.reached import answers_here

REQUEST_S: Final = 30
TALK_S: Final = 240.0
"""For challenges and the certificate, together."""
LIMITED_S: Final = 3 * 3600.0
"""How long nothing is asked for where the authority says that there was too much, and not until when."""
MOST_OCTETS: Final = 1 << 20
NONCES: Final = 4
_UNTIL = re.compile(r"retry after (\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:Z| UTC)")


class _Network(client.ClientNetwork):
    """An authority may take back its nonces as it likes (RFC 8555 §6.5); the library tries once more, and no more."""

    def post(self, *args: Any, **kwargs: Any) -> requests.Response:
        for _ in range(NONCES - 1):
            try:
                return super().post(*args, **kwargs)
            except messages.Error as error:
                if error.code != "badNonce":
                    raise
        return super().post(*args, **kwargs)


class Authority:
    """``now``: seconds UTC."""

    def __init__(self, settings: Settings, place: CertificatePlace, now: float) -> None:
        self._settings = settings
        self._place = place
        self._now = now
        self._account = AuthorityAccount(settings, place)
        net = _Network(self._account.key, alg=ES256, user_agent="relay-smtp", timeout=REQUEST_S)
        if settings.tls.acme_ca is not None:
            net.verify_ssl = str(settings.tls.acme_ca)  # type: ignore[assignment]  # requests takes a file as well
        directory = messages.Directory.from_json(net.get(settings.tls.acme).json())
        self._client = client.ClientV2(directory, net)

    @classmethod
    @contextmanager
    def talk(cls, settings: Settings, place: CertificatePlace, now: float) -> Iterator[Authority]:
        """Whatever goes wrong inside is a CertificateFailed."""
        try:
            yield cls(settings, place, now)
        except errors.ValidationError as error:
            raise CertificateFailed(_failed(error)) from error
        except messages.Error as error:
            raise CertificateFailed(*_refused(error, now)) from error
        except errors.TimeoutError as error:
            raise CertificateFailed("the authority came to no end in time") from error
        except (requests.RequestException, OSError) as error:
            host = urlsplit(settings.tls.acme).netloc
            raise CertificateFailed(f"{host} can't be talked with: {_network(error)}") from error
        except (errors.Error, JoseError, ValueError, KeyError) as error:
            raise CertificateFailed(f"the authority said what nobody understands: {error}") from error

    def asks_to_renew(self, chain: bytes) -> tuple[float, float]:
        """When it wants this certificate to be renewed (0: it doesn't say), when to ask again (RFC 9773)."""
        try:
            when, again = self._client.renewal_time(chain)
        except errors.ARIError as error:
            return 0.0, error.retry_after.timestamp()
        return when.timestamp() if when else 0.0, again.timestamp()

    def obtain(self, names: Sequence[str]) -> bytes:
        """Private key, certificate and chain, PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        request = (
            x509.CertificateSigningRequestBuilder()
            .subject_name(x509.Name([]))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
            .sign(key, hashes.SHA256())
        )
        order = self._order(request.public_bytes(Encoding.PEM))
        deadline = dt.datetime.now() + dt.timedelta(seconds=TALK_S)
        try:
            for one in order.authorizations:
                if one.body.status != messages.STATUS_VALID:
                    self._answer(one)
            done = self._client.finalize_order(self._client.poll_authorizations(order, deadline), deadline)
        finally:
            self._place.forget_challenges()
        chain = str(done.fullchain_pem).encode()
        if len(chain) > MOST_OCTETS or not x509.load_pem_x509_certificates(chain):
            raise CertificateFailed("the authority gave something else than a certificate")
        return secret + chain

    def _order(self, request: bytes) -> messages.OrderResource:
        self._account.enter(self._client)
        try:
            return self._client.new_order(request)
        except messages.Error as error:
            if error.code != "accountDoesNotExist":
                raise
        self._account.enter(self._client, anew=True)
        return self._client.new_order(request)

    def _answer(self, asked: messages.AuthorizationResource) -> None:
        name, key = asked.body.identifier.value, self._account.key
        wanted = self._settings.challenge
        found = next((one for one in asked.body.challenges if one.chall.typ == wanted), None)
        if found is None:
            offered = ", ".join(sorted(one.chall.typ for one in asked.body.challenges))
            text = f"{name}: the authority doesn't offer {wanted}, but {offered}: set tls.acme_challenge"
            raise CertificateFailed(text)
        ready: Callable[[], str]
        if isinstance(found.chall, challenges.HTTP01):
            token, text = found.chall.encode("token"), found.chall.validation(key)
            self._place.put_answer(token, text)
            ready = lambda: answers_here(self._settings, token=token, answer=text)  # noqa: E731
        elif isinstance(found.chall, AlpnChallenge):
            moment = dt.datetime.fromtimestamp(self._now, dt.UTC)
            self._place.put_hello(name, hello_certificate(name, found.chall.validation(key), moment))
            ready = lambda: answers_here(self._settings, name=name)  # noqa: E731
        else:
            raise CertificateFailed(f"{name}: {wanted} is nothing that can be answered here")
        fault = ready()
        if fault:
            raise CertificateFailed(fault)
        self._client.answer_challenge(found, found.chall.response(key))


def _failed(error: errors.ValidationError) -> str:
    """Which name could not be shown to be ours, and what the authority found there."""
    told = []
    for one in error.failed_authzrs:
        for challenge in one.body.challenges:
            if challenge.error is not None:
                told.append(f"{one.body.identifier.value}: {_detail(challenge.error)}")
    return "the authority could not see that names are ours: " + "; ".join(told)


def _refused(error: messages.Error, now: float) -> tuple[str, float]:
    until = _UNTIL.search(error.detail or "")
    not_before = 0.0
    if until is not None:
        not_before = dt.datetime.fromisoformat(f"{until[1]}T{until[2]}+00:00").timestamp()
    elif error.code == "rateLimited":
        not_before = now + LIMITED_S
    return f"the authority refuses: {_detail(error)}", not_before


def _detail(error: messages.Error) -> str:
    parts = [error.detail or error.title or error.code or "no reason given"]
    parts += [f"{one.identifier.value}: {one.detail}" for one in error.subproblems or () if one.identifier]
    return " ".join("; ".join(parts).split())


def _network(error: Exception) -> str:
    """The innermost reason, which is the one that says something."""
    seen: BaseException = error
    while True:
        inner = getattr(seen, "reason", None) if isinstance(getattr(seen, "reason", None), BaseException) else None
        inner = inner or next((one for one in seen.args if isinstance(one, BaseException)), None)
        if inner is None:
            return str(getattr(seen, "strerror", None) or seen)
        seen = inner
