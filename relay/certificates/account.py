"""The relay's account with an authority: a key, made once for each directory, and the name that it got for it."""

from __future__ import annotations

import json
from typing import Any, cast

from acme import client, errors, messages
from cryptography.hazmat.primitives.asymmetric import ec
from josepy.errors import Error as JoseError
from josepy.jwk import JWK, JWKEC
from josepy.util import ComparableECKey

from config.settings import Settings
from relay.certificates.errors import CertificateFailed
from relay.certificates.place import CertificatePlace


class AuthorityAccount:
    """Of one directory; kept in ``account.json`` beside those of others."""

    def __init__(self, settings: Settings, place: CertificatePlace) -> None:
        self._settings = settings
        self._place = place
        self._directory = settings.tls.acme
        self._all = self._read()
        kept = self._all.get(self._directory, {})
        self._uri: str = kept.get("uri", "")
        self.key: JWK
        if kept:
            self.key = cast(JWK, JWK.from_json(kept["key"]))
        else:
            self.key = JWKEC(key=ComparableECKey(ec.generate_private_key(ec.SECP256R1())))

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._place.account.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            text = f"{self._place.account} can't be read ({error}): bring it back, or move it away for a new account"
            raise CertificateFailed(text) from error
        return found if isinstance(found, dict) else {}

    def enter(self, authority: client.ClientV2, *, anew: bool = False) -> None:
        """Known to the authority from then on. ``anew``: it doesn't know the one that we have."""
        if not self._uri or anew:
            self._uri = self._registered(authority)
            self._all[self._directory] = {"key": self.key.to_json(), "uri": self._uri}
            self._place.write(self._place.account, json.dumps(self._all, indent=1).encode())
        authority.net.account = messages.RegistrationResource(uri=self._uri, body=messages.Registration())

    def _registered(self, authority: client.ClientV2) -> str:
        authority.net.account = None
        contact, binding = self._settings.operator.contact, self._binding(authority)
        new = messages.NewRegistration.from_data(
            email=contact or None, terms_of_service_agreed=True, external_account_binding=binding
        )
        try:
            return str(authority.new_account(new).uri)
        except errors.ConflictError as error:  # it has this key already
            return str(error.location)

    def _binding(self, authority: client.ClientV2) -> dict[str, Any] | None:
        tls = self._settings.tls
        if not tls.acme_key_id or tls.acme_key_file is None:
            if authority.external_account_required():
                raise CertificateFailed(
                    "the authority asks for an account of its own: set tls.acme_key_id and tls.acme_key_file to what it"
                    " gives its customers (external account binding)"
                )
            return None
        try:
            secret = tls.acme_key_file.read_text("ascii").strip()
            found: dict[str, Any] = messages.ExternalAccountBinding.from_data(
                self.key.public_key(), tls.acme_key_id, secret, authority.directory
            )
        except (OSError, ValueError, JoseError) as error:
            raise CertificateFailed(f"tls.acme_key_file {tls.acme_key_file} can't be used: {error}") from error
        return found
