"""Key pairs and the check of a signed handshake, from Kalshi's side.

The signed text is timestamp + method + path without the query; RSA-PSS with SHA-256, MGF1-SHA-256 and a
salt as long as the digest (Kalshi's API documentation, 2026).
"""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_SALT_BYTES: Final = 32
_LONGEST_AGE_SECONDS: Final = 30.0


def generate_key_pair() -> tuple[str, str]:
    """A new RSA key as PEM texts: the private half for the client, the public half for the simulator."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


class Doorkeeper:
    """Knows the public keys by key id; without any it only wants the headers to be there and fresh."""

    def __init__(self, public_keys: Mapping[str, str] | None) -> None:
        self._keys: dict[str, rsa.RSAPublicKey] | None = None
        if public_keys is not None:
            self._keys = {}
            for key_id, pem in public_keys.items():
                key = serialization.load_pem_public_key(pem.encode())
                if not isinstance(key, rsa.RSAPublicKey):
                    raise TypeError(f"the public key of {key_id} is no RSA key")
                self._keys[key_id] = key

    def refusal(self, headers: Mapping[str, str], *, method: str, path: str, now: datetime) -> str | None:
        """Why a request is refused, or None where it may pass. ``path`` comes without a query."""
        key_id = headers.get("KALSHI-ACCESS-KEY", "")
        stamp = headers.get("KALSHI-ACCESS-TIMESTAMP", "")
        signature = headers.get("KALSHI-ACCESS-SIGNATURE", "")
        if not key_id or not stamp or not signature:
            return "authentication_required"
        if not (stamp.isascii() and stamp.isdigit()):
            return "invalid_timestamp"
        if abs(int(stamp) / 1000 - now.timestamp()) > _LONGEST_AGE_SECONDS:
            return "timestamp_expired"
        if self._keys is None:
            return None
        key = self._keys.get(key_id)
        if key is None:
            return "unknown_key"
        return None if _signed(key, signature, f"{stamp}{method}{path}") else "invalid_signature"


def _signed(key: rsa.RSAPublicKey, signature: str, text: str) -> bool:
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), _SALT_BYTES)
    try:
        key.verify(base64.b64decode(signature, validate=True), text.encode(), scheme, hashes.SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True
