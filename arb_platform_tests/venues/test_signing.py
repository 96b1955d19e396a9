"""Kalshi's signature, checked with the public key."""

import base64
from datetime import UTC, datetime

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from arb_platform.domain.errors import CredentialsError, SettingsError
from arb_platform.venues.signing import KalshiSigner

AT = datetime(2026, 11, 24, 12, 0, 0, 123_456, tzinfo=UTC)
PATH = "/trade-api/ws/v2"


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key, form=serialization.PrivateFormat.PKCS8, encryption=None):
    return key.private_bytes(
        serialization.Encoding.PEM, form, encryption or serialization.NoEncryption()
    ).decode()


def verify(key, headers, message, salt=padding.PSS.AUTO):
    key.public_key().verify(
        base64.b64decode(headers["KALSHI-ACCESS-SIGNATURE"]),
        message.encode(),
        padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=salt),
        hashes.SHA256(),
    )


@pytest.mark.parametrize(
    "form", [serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL]
)
def test_the_signature_covers_timestamp_method_and_path_with_a_salt_of_32_bytes(key, form):
    headers = KalshiSigner("id-1", pem(key, form)).headers("get", PATH, AT)
    assert headers["KALSHI-ACCESS-KEY"] == "id-1"
    assert headers["KALSHI-ACCESS-TIMESTAMP"] == "1795521600123"
    verify(key, headers, f"1795521600123GET{PATH}")
    verify(key, headers, f"1795521600123GET{PATH}", salt=32)
    with pytest.raises(InvalidSignature):
        verify(key, headers, f"1795521600123GET{PATH}", salt=20)


def test_the_query_is_not_signed(key):
    headers = KalshiSigner("id-1", pem(key)).headers("GET", f"{PATH}?limit=5", AT)
    verify(key, headers, f"1795521600123GET{PATH}")
    with pytest.raises(InvalidSignature):
        verify(key, headers, f"1795521600123GET{PATH}?limit=5")


def test_each_signature_is_a_fresh_one(key):
    signer = KalshiSigner("id-1", pem(key))
    one, other = (signer.headers("GET", PATH, AT)["KALSHI-ACCESS-SIGNATURE"] for _ in range(2))
    assert one != other


def test_the_key_is_read_from_a_file_and_from_one_line_of_an_environment_file(key, tmp_path):
    path = tmp_path / "kalshi.pem"
    path.write_text(pem(key))
    for given in (str(path), pem(key).replace("\n", "\\n"), f"  {pem(key)}\n"):
        verify(key, KalshiSigner("id-1", given).headers("GET", PATH, AT), f"1795521600123GET{PATH}")


def test_wrong_keys_are_sentences_that_say_what_to_do_and_hold_nothing_of_the_key(key, tmp_path):
    text = pem(key)
    secret = text.splitlines()[3]
    damaged = text.replace(secret, secret[::-1])
    locked = pem(key, encryption=serialization.BestAvailableEncryption(b"x"))
    curve = pem(ec.generate_private_key(ec.SECP256R1()))
    bare = "".join(text.splitlines()[1:-1])
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()  # fmt: skip
    wrong = [
        (damaged, CredentialsError), (locked, CredentialsError), (curve, CredentialsError), (public, CredentialsError),
        (bare, SettingsError), (secret, SettingsError), ("", SettingsError), (str(tmp_path), SettingsError),
        (str(tmp_path / "none.pem"), SettingsError), ("-----BEGIN PRIVATE KEY-----\x00\ud800", CredentialsError),
    ]  # fmt: skip
    for given, kind in wrong:
        with pytest.raises(kind) as raised:
            KalshiSigner("id-1", given)
        assert secret not in str(raised.value)
        assert given.strip() == "" or given.strip() not in str(raised.value)
        assert "Kalshi" in str(raised.value)
        assert raised.value.__cause__ is None
        assert raised.value.__context__ is None or raised.value.__suppress_context__
    with pytest.raises(SettingsError, match="key id"):
        KalshiSigner(" ", text)


def test_a_signer_shows_neither_its_key_nor_its_whole_id(key):
    assert repr(KalshiSigner("0123456789", pem(key))) == "KalshiSigner(key_id=0123...)"
