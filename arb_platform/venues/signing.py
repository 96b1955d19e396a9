"""Kalshi's request signature: RSA-PSS over timestamp, method and path.

docs.kalshi.com, API keys: SHA-256, MGF1 with SHA-256, salt as long as the digest; the path without
its query string. A signature is made afresh for every request and every handshake.
"""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from arb_platform.domain.errors import CredentialsError, SettingsError

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SALT_BYTES: Final = 32
_WHERE: Final = "Set KALSHI_PRIVATE_KEY to the PEM text or KALSHI_PRIVATE_KEY_PATH to the file that Kalshi gave you with the key."


class KalshiSigner:
    """Signs as the owner of ``key_id``; ``private_key`` is PEM text (PKCS#1 or PKCS#8) or a path to it.

    Raises SettingsError when there is no readable key, CredentialsError when it is not an RSA
    private key; no message holds anything of the key.
    """

    def __init__(self, key_id: str, private_key: str) -> None:
        if not key_id.strip():
            raise SettingsError("The key id of Kalshi is empty; set KALSHI_API_KEY to the id of the API key.")
        self.key_id = key_id.strip()
        self._key = _load(_pem(private_key))

    def __repr__(self) -> str:
        return f"KalshiSigner(key_id={self.key_id[:4]}...)"

    def headers(self, method: str, path: str, at: datetime) -> dict[str, str]:
        """The three headers of one request; ``path`` begins with ``/trade-api``, its query is not signed."""
        timestamp = str((at - _EPOCH) // timedelta(milliseconds=1))
        message = f"{timestamp}{method.upper()}{path.partition('?')[0]}".encode()
        signature = self._key.sign(
            message,
            padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=_SALT_BYTES),
            hashes.SHA256(),
        )
        return {
            "KALSHI-ACCESS-KEY": self.key_id,
            "KALSHI-ACCESS-TIMESTAMP": timestamp,
            "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode("ascii"),
        }


def _pem(private_key: str) -> bytes:
    """The PEM text itself, or that of the file it names."""
    if "-----BEGIN" in private_key:
        # A key in one line of an environment file has its line ends written out.
        return private_key.replace("\\n", "\n").strip().encode("utf-8", "replace")
    if not private_key.strip():
        raise SettingsError(f"The private key of Kalshi is empty. {_WHERE}")
    try:
        return Path(private_key.strip()).expanduser().read_bytes()
    except (OSError, ValueError, RuntimeError):
        # What was given may be the key without its frame: it must not be printed as a file name.
        raise SettingsError(
            f"The private key of Kalshi is neither PEM text nor a file that can be read. {_WHERE}"
        ) from None


def _load(pem: bytes) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except TypeError:
        raise CredentialsError(
            "The private key of Kalshi is protected by a passphrase; write it without one: openssl rsa -in key.pem -out plain.pem"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise CredentialsError(
            f"The private key of Kalshi is damaged or of an unknown kind: no PEM key (PKCS#1 or PKCS#8) can be read. {_WHERE}"
        ) from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise CredentialsError(
            f"The private key of Kalshi is not an RSA key, and Kalshi takes no other. {_WHERE}"
        )
    return key
