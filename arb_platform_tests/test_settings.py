"""Settings against design.md, section 6, and against the README."""

import re
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr

import arb_platform
from arb_platform import settings as settings_module
from arb_platform.domain.errors import SettingsError
from arb_platform.settings import Settings, child_environment, load_settings
from arb_platform.venues import endpoints

README = Path(arb_platform.__file__).parents[1] / "README.md"
# design.md, section 6: variable -> default.
CONTRACT = {
    "ARB_DATA_DIR": Path("data"),
    "ARB_PROFILE": "demo",
    "DEEPSEEK_API_KEY": None,
    "OPENAI_API_KEY": None,
    "ARB_DEEPSEEK_BASE_URL": None,
    "ARB_OPENAI_BASE_URL": None,
    "ARB_DEEPSEEK_MODEL": None,
    "ARB_OPENAI_MODEL": None,
    "ARB_DEEPSEEK_RPM": 60,
    "ARB_OPENAI_RPM": 500,
    "ARB_LLM_BUDGET_USD": Decimal(10),
    "POLYMARKET_API_KEY": None,
    "KALSHI_API_KEY": None,
    "KALSHI_PRIVATE_KEY": None,
    "KALSHI_PRIVATE_KEY_PATH": None,
    "KALSHI_USE_DEMO": False,
    "ARB_POLYMARKET_WS_URL": endpoints.POLYMARKET_WS,
    "ARB_POLYMARKET_GAMMA_URL": endpoints.POLYMARKET_GAMMA,
    "ARB_POLYMARKET_CLOB_URL": endpoints.POLYMARKET_CLOB,
    "ARB_KALSHI_WS_URL": None,
    "ARB_KALSHI_REST_URL": None,
    "ARB_LAKE_CATALOG": None,
    "ARB_LAKE_DATA": None,
    "ARB_TRACK": "pairs",
    "AWS_ACCESS_KEY_ID": None,
    "AWS_SECRET_ACCESS_KEY": None,
    "AWS_REGION": None,
    "AWS_ENDPOINT_URL_S3": None,
    "ARB_SILENCE_SECONDS": 120.0,
    "ARB_STREAM_HOURS": 24.0,
    "ARB_RAW_FRAMES": "off",
    "ARB_RETENTION_DAYS": 30,
    "ARB_ALERT_URLS": None,
}
SECRETS = {
    "DEEPSEEK_API_KEY", "OPENAI_API_KEY", "POLYMARKET_API_KEY", "KALSHI_API_KEY", "KALSHI_PRIVATE_KEY",
    "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "ARB_ALERT_URLS",
}  # fmt: skip
FIELDS = {str(field.alias): (name, field) for name, field in Settings.model_fields.items()}


@pytest.mark.parametrize("variable", CONTRACT)
def test_every_variable_of_the_contract_has_its_default(variable):
    name, _ = FIELDS[variable]
    assert getattr(load_settings(), name) == CONTRACT[variable]


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        ("ARB_DATA_DIR", "/tmp/elsewhere", Path("/tmp/elsewhere")),
        ("ARB_PROFILE", "live", "live"),
        ("ARB_LLM_BUDGET_USD", "0.25", Decimal("0.25")),
        ("KALSHI_USE_DEMO", "true", True),
        ("ARB_TRACK", "all", "all"),
        ("ARB_RETENTION_DAYS", "7", 7),
        ("OPENAI_API_KEY", "sk-1", SecretStr("sk-1")),
    ],
)
def test_a_variable_of_the_environment_is_read(monkeypatch, variable, text, value):
    monkeypatch.setenv(variable, text)
    assert getattr(load_settings(), FIELDS[variable][0]) == value


def test_an_empty_variable_is_an_unset_one(monkeypatch):
    monkeypatch.setenv("DEEPSEEK_API_KEY", "")
    monkeypatch.setenv("ARB_DEEPSEEK_RPM", "")
    assert load_settings().deepseek_api_key is None
    assert load_settings().deepseek_rpm == 60


def test_what_a_command_says_wins_over_the_environment(monkeypatch):
    monkeypatch.setenv("ARB_PROFILE", "live")
    assert load_settings().profile == "live"
    assert load_settings(profile="demo").profile == "demo"
    assert load_settings(ARB_PROFILE="demo").profile == "demo"


def test_the_settings_are_frozen():
    with pytest.raises(ValueError, match="frozen"):
        load_settings().profile = "live"


def test_demo_writes_below_its_own_folder_and_live_does_not(tmp_path):
    demo = load_settings(data_dir=tmp_path, profile="demo")
    live = load_settings(data_dir=tmp_path, profile="live")
    assert demo.root == tmp_path / "demo"
    assert live.root == tmp_path


def test_the_demo_environment_of_kalshi_has_its_own_addresses_unless_they_are_set():
    assert load_settings().kalshi_rest == endpoints.KALSHI_REST
    assert load_settings(kalshi_use_demo=True).kalshi_ws == endpoints.KALSHI_DEMO_WS
    assert load_settings(kalshi_use_demo=True, kalshi_ws_url="ws://x").kalshi_ws == "ws://x"


def test_the_secrets_are_exactly_those_of_the_contract():
    assert {
        variable for variable, (_, field) in FIELDS.items() if "SecretStr" in str(field.annotation)
    } == SECRETS


@pytest.mark.parametrize("variable", sorted(SECRETS))
def test_a_secret_is_in_no_text_of_the_settings(variable):
    loaded = load_settings(**{variable: "sesame-1f"})
    shown = [repr(loaded), str(loaded), f"{loaded}", str(loaded.model_dump()), loaded.model_dump_json()]
    assert not [text for text in shown if "sesame" in text]
    assert getattr(loaded, FIELDS[variable][0]).get_secret_value() == "sesame-1f"  # and it is there


def test_the_password_of_a_catalogue_in_postgresql_is_not_shown():
    loaded = load_settings(lake_catalog="postgres:postgresql://arb:sesame@db/lake")
    assert "sesame" not in repr(loaded) + str(loaded)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("ARB_PROFILE", "sesame"),
        ("ARB_DEEPSEEK_RPM", "sesame"),
        ("ARB_OPENAI_RPM", "-3"),
        ("ARB_LLM_BUDGET_USD", "sesame"),
        ("ARB_LLM_BUDGET_USD", "-1"),
        ("ARB_NIGHTLY_CRON", "30 2"),
        ("ARB_NIGHTLY_CRON", "half past two in the night"),
        ("ARB_KALSHI_WS_URL", "http://kalshi"),
        ("ARB_POLYMARKET_GAMMA_URL", "gamma"),
        ("ARB_SILENCE_SECONDS", "0"),
        ("ARB_RETENTION_DAYS", "sesame"),
        ("ARB_RAW_FRAMES", "sesame"),
        ("KALSHI_USE_DEMO", "sesame"),
    ],
)
def test_a_setting_without_sense_is_one_sentence_with_its_name_and_not_its_value(monkeypatch, variable, text):
    monkeypatch.setenv("OPENAI_API_KEY", "sesame-key")
    monkeypatch.setenv(variable, text)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    sentence = str(caught.value)
    assert variable in sentence
    assert "sesame" not in sentence
    assert "\n" not in sentence
    assert "README" in sentence
    assert caught.value.__cause__ is None


def test_a_child_gets_our_environment_with_the_changes(monkeypatch):
    monkeypatch.setenv("ARB_PROFILE", "live")
    monkeypatch.setenv("ARB_TRACK", "all")
    child = child_environment({"ARB_PROFILE": "demo"})
    assert (child["ARB_PROFILE"], child["ARB_TRACK"]) == ("demo", "all")


def test_only_the_settings_read_the_environment():
    package = Path(arb_platform.__file__).parent
    readers = [
        file.relative_to(package).as_posix()
        for file in package.rglob("*.py")
        if re.search(r"\bos\.environ\b|\bos\.getenv\b|from os import .*environ", file.read_text())
    ]
    assert readers == [Path(settings_module.__file__).name]


def rows_of_settings(markdown):
    """Variable -> the cells of its row; one row may name several variables, as in the contract."""
    found = {}
    for line in markdown.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]
        names = re.findall(r"`([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)`", cells[0])
        if line.startswith("|") and names:
            found |= dict.fromkeys(names, cells[1:])
    return found


def shown_default(field):
    """A default as the README writes it: a value, or ``unset``."""
    default = field.default
    if default is None:
        return ""
    return str(default).lower() if isinstance(default, bool) else str(default).removesuffix(".0")


def test_the_table_of_the_readme_names_exactly_the_variables_of_the_class():
    assert set(rows_of_settings(README.read_text())) == set(FIELDS)


@pytest.mark.parametrize("variable", FIELDS)
def test_the_table_of_the_readme_gives_the_default_of_the_class(variable):
    row = rows_of_settings(README.read_text()).get(variable)
    assert row is not None, f"README.md has no row for {variable}"
    default, expected = row[0].replace("`", "").replace("./", ""), shown_default(FIELDS[variable][1])
    assert expected in default or ("://" in expected and default == "venue's own")
    assert row[-1], "a row says what the variable means"


def test_a_row_too_many_or_a_default_that_changed_would_be_noticed():
    rows = rows_of_settings(
        "| `ARB_NEW` | 3 | new |\n| variable | default | meaning |\n|---|---|---|\ntext `ARB_OTHER`"
    )
    assert rows == {"ARB_NEW": ["3", "new"]}
    assert shown_default(FIELDS["ARB_DEEPSEEK_RPM"][1]) == "60"
