"""The Python API of design.md, section 4: names, signatures, and what importing it costs."""

import inspect
import json
import subprocess
import sys

import pytest

import arb_platform
from arb_platform import api
from arb_platform.settings import load_settings
from arb_platform.simulate.kalshi_keys import generate_key_pair
from arb_platform.venues.kalshi import KalshiFeed
from arb_platform.venues.polymarket import PolymarketFeed

STREAM = {"tracked_markets": None, "max_depth": 3, "reconnect_delay": 5.0}
MODEL = {"deepseek_api_key": None, "openai_api_key": None}
PROVIDER = {"primary_provider": "deepseek", "enable_fallback": True}
# Positional parameters in the contract's order with their defaults.
SIGNATURES = {
    "PolymarketWebsocketAdapter": {"api_key": None, **STREAM},
    "KalshiWebsocketAdapter": {"api_key": None, "use_demo": None, **STREAM},
    "PolymarketAdapter": {"api_key": None, **STREAM},
    "KalshiAdapter": {"api_key": None, "use_demo": None, **STREAM},
    "LLMClient": {**MODEL, **PROVIDER, "timeout_seconds": 30.0},
    "LLMValidator": {**MODEL, "min_score": 0.92, **PROVIDER},
}
KEYWORDS = {
    "KalshiWebsocketAdapter": {"private_key", "ws_url", "rest_url", "silence_seconds"},
    "LLMClient": {"deepseek_base_url", "openai_base_url", "deepseek_model", "openai_model"},
}
PROBE = """
import json, sys
before = set(sys.modules)
import arb_platform
loaded = set(sys.modules) - before
{then}
print(json.dumps([sorted(loaded), sorted(set(sys.modules) - before)]))
"""


def modules_after(then="pass"):
    """What a fresh interpreter loaded after ``import arb_platform``, and after ``then``."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(then=then)], capture_output=True, text=True, check=True
    )
    return [set(names) for names in json.loads(done.stdout)]


@pytest.mark.parametrize("name", arb_platform.__all__)
def test_every_public_name_is_there(name):
    assert getattr(arb_platform, name) is not None
    assert name in dir(arb_platform)


def test_a_name_that_is_not_public_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        _ = arb_platform.nonsense


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_class_takes_the_arguments_of_the_contract_in_their_order(name):
    parameters = inspect.signature(getattr(arb_platform, name)).parameters.values()
    positional = {one.name: one.default for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD}
    assert list(positional.items()) == list(SIGNATURES[name].items())
    assert KEYWORDS.get(name, set()) <= {one.name for one in parameters if one.kind is one.KEYWORD_ONLY}


@pytest.mark.parametrize(("feed", "name"), [(PolymarketFeed, "polymarket"), (KalshiFeed, "kalshi")])
def test_a_feed_is_made_from_markets_and_a_depth_and_receives_a_frame_with_its_time(feed, name):
    assert list(inspect.signature(feed).parameters)[:2] == ["markets", "max_depth"]
    assert list(inspect.signature(feed.receive).parameters)[1:] == ["frame", "received_at"]


@pytest.mark.parametrize(
    "name", ["PolymarketWebsocketAdapter", "KalshiWebsocketAdapter", "PolymarketAdapter", "KalshiAdapter"]
)
def test_an_adapter_has_the_stream_the_close_and_the_counters_of_the_contract(name):
    cls = getattr(arb_platform, name)
    assert inspect.isasyncgenfunction(cls.stream_orderbooks)
    assert inspect.iscoroutinefunction(cls.close)
    counters = ("connected", "reconnections", "unreadable_frames", "messages_per_second")
    key = {"api_key": "id", "private_key": generate_key_pair()[0]} if name == "KalshiWebsocketAdapter" else {}
    adapter = cls(tracked_markets=["KX-1"], **key)
    assert [getattr(adapter, counter) for counter in counters] == [False, 0, 0, 0]


def test_the_client_and_the_validator_have_the_methods_of_the_contract():
    client = arb_platform.LLMClient("key")
    assert list(inspect.signature(client.complete).parameters)[:3] == [
        "messages",
        "temperature",
        "max_tokens",
    ]
    assert client.get_total_cost() == 0
    assert {
        "total_calls", "deepseek_calls", "openai_calls", "total_tokens", "deepseek_cost_usd", "openai_cost_usd",
        "total_cost_usd",
    } <= set(client.get_usage_summary())  # fmt: skip
    assert list(inspect.signature(arb_platform.LLMValidator("key").validate).parameters) == ["pair"]


def test_importing_the_package_loads_next_to_nothing():
    loaded, _ = modules_after()
    mine = {name for name in loaded if name.startswith("arb_platform")}
    assert mine == {"arb_platform"}
    assert not loaded & {"dagster", "duckdb", "polars", "pydantic", "httpx", "websockets", "sklearn", "numpy"}
    assert len(loaded) < 40


def test_using_the_public_classes_loads_what_they_need_and_never_dagster():
    _, loaded = modules_after(
        "arb_platform.LLMClient; arb_platform.PolymarketWebsocketAdapter; arb_platform.open_lake"
    )
    assert "dagster" not in loaded
    assert "duckdb" in loaded  # so the test above would have seen it


LAKE = {"lake_catalog": "postgres:dbname=lake", "lake_data": "s3://bucket/lake/"}


@pytest.mark.parametrize(
    ("catalog", "data"), [tuple(LAKE.values()), ("/lakes/catalog.sqlite", None), (None, "/lakes/files")]
)
def test_at_an_address_that_was_set_demo_and_live_share_nothing(tmp_path, catalog, data):
    there = {"data_dir": tmp_path, "lake_catalog": catalog, "lake_data": data}
    live, demo = (api.lake_location(load_settings(profile=profile, **there)) for profile in ("live", "demo"))
    assert (live.catalog, live.schema) != (demo.catalog, demo.schema)
    assert live.data != demo.data
    assert catalog is None or catalog.partition("/catalog")[0] in demo.catalog
    assert data is None or demo.data.startswith(data)


def test_live_uses_the_address_as_it_is(tmp_path):
    live = api.lake_location(load_settings(data_dir=tmp_path, profile="live", **LAKE))
    assert (live.catalog, live.data, live.schema) == (*LAKE.values(), "arb")
