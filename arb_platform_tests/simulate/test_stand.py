"""A simulator with everything that is needed to talk to it."""

import asyncio
import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from arb_platform.domain.errors import SettingsError
from arb_platform.settings import Settings, load_settings
from arb_platform.simulate.stand import build_stand
from arb_platform.venues.signing import KalshiSigner

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WHAT = ("polymarket", "kalshi", "llm")


def stand(what, **options):
    return build_stand(what, **{"port": 0, "seed": 7, "now": NOW, "markets_per_venue": 5, **options})


@pytest.fixture
def recording(tmp_path):
    """A folder of one Polymarket message and one file that is none; the shape is the venue's documented book."""
    folder = tmp_path / "recording"
    folder.mkdir()
    book = {
        "event_type": "book", "asset_id": "1" * 76, "market": "0x" + "a" * 64, "timestamp": "1757908892351", "hash": "0xabc",
        "bids": [{"price": "0.48", "size": "30"}], "asks": [{"price": "0.52", "size": "25"}],
    }  # fmt: skip
    (folder / "a.json").write_text(json.dumps(book))
    (folder / "b.json").write_text('{"event_type": "bo')
    return folder


@pytest.mark.parametrize("what", WHAT)
def test_a_stand_that_is_up_names_the_variables_that_point_at_it(what):
    async def work():
        one = stand(what)
        await one.server.start()
        try:
            return dict(one.environment)
        finally:
            await one.server.stop()

    variables = asyncio.run(work())
    known = {str(field.alias) for field in Settings.model_fields.values()}
    assert set(variables) <= known
    addresses = [value for name, value in variables.items() if name.endswith("_URL")]
    assert addresses
    assert all("//127.0.0.1:" in address for address in addresses)
    load_settings(**variables)


def test_the_three_stands_name_every_address_and_key_there_is(simulated):
    addresses = {str(field.alias) for field in Settings.model_fields.values() if str(field.alias).endswith(("WS_URL", "GAMMA_URL", "CLOB_URL", "REST_URL", "BASE_URL"))}  # fmt: skip
    keys = {
        "DEEPSEEK_API_KEY",
        "OPENAI_API_KEY",
        "KALSHI_API_KEY",
        "KALSHI_PRIVATE_KEY",
        "KALSHI_PRIVATE_KEY_PATH",
    }
    assert addresses | keys <= set(simulated)


def test_kalshis_key_can_sign_and_is_for_its_owner_only(tmp_path):
    path = tmp_path / "kalshi.pem"
    one = stand("kalshi", private_key_path=path)
    assert one.private_key_path == path
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_pem_private_key(path.read_bytes(), None).key_size >= 2048
    assert KalshiSigner("demo", str(path)).headers("GET", "/x", NOW)


def test_an_old_key_is_replaced_and_never_followed(tmp_path):
    path, elsewhere = tmp_path / "kalshi.pem", tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    path.symlink_to(elsewhere)
    stand("kalshi", private_key_path=path)
    assert elsewhere.read_text() == "mine"
    assert "PRIVATE KEY" in path.read_text()


def test_a_key_without_a_place_gets_one_of_its_own():
    one, other = stand("kalshi"), stand("kalshi")
    assert one.private_key_path != other.private_key_path


def test_a_broken_line_of_a_recording_is_told_and_the_rest_is_served(recording):
    one = stand("polymarket", recordings=recording)
    assert len(one.notes) == 1
    assert "b.json" in one.notes[0]
    assert one.server.playback is not None
    assert stand("polymarket").server.playback is None


@pytest.mark.parametrize(
    ("what", "options", "said"),
    [
        ("llm", {"faults": "nonsense=1"}, "no fault is called 'nonsense'"),
        ("kalshi", {"faults": "colour=1"}, "colour"),
        ("polymarket", {"faults": "drop"}, "drop"),
    ],
)
def test_faults_that_make_no_sense_are_one_sentence(what, options, said):
    with pytest.raises(SettingsError, match=said):
        stand(what, **options)


def test_a_recording_belongs_to_its_venue(recording):
    with pytest.raises(SettingsError, match="is of polymarket, not of kalshi"):
        stand("kalshi", recordings=recording)
    with pytest.raises(SettingsError, match="drop --recordings"):
        stand("llm", recordings=recording)
