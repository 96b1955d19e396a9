"""The files in deploy/: as far as they can be checked without a cluster. `stack/test_deployment.py` starts PostgreSQL for real."""

import configparser
import importlib
import importlib.util
from pathlib import Path

import pytest
import yaml
from dagster._config import process_config, resolve_to_config_type
from dagster._core.errors import DagsterInvalidConfigError
from dagster._core.instance.config import dagster_instance_config
from dagster._serdes import ConfigurableClassData

import arb_platform
from arb_platform.cli import arb
from arb_platform.settings import Settings
from arb_platform.supervise.dagster_home import instance_configuration

ROOT = Path(arb_platform.__file__).parents[1]
DEPLOY = ROOT / "deploy"
INSTANCES = sorted(DEPLOY.glob("*/dagster.yaml"))
POSTGRES_URL = "ARB_DAGSTER_POSTGRES_URL"
VARIABLES = {str(field.alias) for field in Settings.model_fields.values()} | {POSTGRES_URL}
# What each launcher of Dagster's is in; installed only where it is used.
LAUNCHERS = {"docker": "dagster_docker", "kubernetes": "dagster_k8s"}


def read(path):
    return yaml.safe_load(path.read_text())


@pytest.fixture(scope="module")
def services():
    return read(DEPLOY / "compose.yaml")["services"]


@pytest.mark.parametrize("path", INSTANCES, ids=lambda path: path.parent.name)
def test_an_instance_is_one_of_dagsters_and_differs_from_ours_only_in_where_it_keeps_and_runs(
    path, monkeypatch
):
    monkeypatch.setenv(POSTGRES_URL, "postgresql+psycopg2://arb@127.0.0.1/dagster")
    dagster_instance_config(str(path.parent))
    theirs = read(path)
    assert theirs.pop("storage") == {"postgres": {"postgres_url": {"env": POSTGRES_URL}}}
    assert ("run_launcher" in theirs) == (path.parent.name in LAUNCHERS)
    theirs.pop("run_launcher", None)
    assert theirs == yaml.safe_load(instance_configuration())


def test_an_instance_with_a_word_dagster_does_not_know_would_be_found(tmp_path):
    (tmp_path / "dagster.yaml").write_text("run_coordinater: {}\n")
    with pytest.raises(DagsterInvalidConfigError, match="run_coordinater"):
        dagster_instance_config(str(tmp_path))


@pytest.mark.parametrize("name", LAUNCHERS)
def test_a_launcher_is_configured_in_its_own_words(name):
    launcher = read(DEPLOY / name / "dagster.yaml")["run_launcher"]
    assert launcher["module"] == LAUNCHERS[name]
    if importlib.util.find_spec(launcher["module"]) is None:
        pytest.skip(f"{launcher['module']} is not installed: only the form of the file was checked")
    data = ConfigurableClassData(launcher["module"], launcher["class"], yaml.safe_dump(launcher["config"]))
    accepted = _schema_accepts(data)
    assert accepted, accepted
    wrong = ConfigurableClassData(launcher["module"], launcher["class"], yaml.safe_dump({"no_such_word": 1}))
    assert not _schema_accepts(wrong)


def _schema_accepts(data):
    """True when the launcher's own schema takes its configuration; nothing is started or asked."""
    launcher = getattr(importlib.import_module(data.module_name), data.class_name)
    return process_config(resolve_to_config_type(launcher.config_type()), data.config_dict).success


def test_celery_is_configured_in_its_own_words():
    config = read(DEPLOY / "celery" / "run.yaml")["execution"]["config"]
    assert config["include"] == ["arb_platform.definitions"]
    if importlib.util.find_spec("dagster_celery") is None:
        pytest.skip("dagster_celery is not installed: only the form of the file was checked")
    executor = importlib.import_module("dagster_celery").celery_executor
    schema = resolve_to_config_type(executor.config_schema.config_type)
    assert process_config(schema, config).success
    assert not process_config(schema, {**config, "no_such_word": 1}).success


def test_services_get_settings_that_exist_and_listen_on_this_machine_only(services):
    for name, service in services.items():
        names = set(service["environment"])
        assert names <= (VARIABLES | {"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB"}), name
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), name
    docker = read(DEPLOY / "docker" / "dagster.yaml")["run_launcher"]["config"]["env_vars"]
    assert set(docker) <= VARIABLES


def test_every_service_runs_a_program_of_ours_on_the_address_the_workspace_names(services):
    (entry,) = read(DEPLOY / "workspace.yaml")["load_from"]
    code = services[entry["grpc_server"]["host"]]
    python, flag, module, port, _ = code["command"]
    assert (python, flag, port) == ("python", "-m", str(entry["grpc_server"]["port"]))
    assert importlib.util.find_spec(module)
    others = [service["command"] for name, service in services.items() if name not in {"code", "postgres"}]
    assert {command[0] for command in others} == {"dagster-daemon", "dagster-webserver"}
    assert all("/dagster/workspace.yaml" in command for command in others)
    assert "--read-only" in services["web-readonly"]["command"]


def test_the_image_is_built_of_files_that_exist():
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    copied = [
        word
        for line in lines
        if line.startswith("COPY")
        for word in line.split()[1:-1]
        if not word.startswith("--")
    ]
    assert len(copied) >= 4
    assert all((ROOT / name).exists() for name in copied), copied


@pytest.mark.parametrize("name", ["arb-platform", "arb-platform-readonly"])
def test_a_unit_starts_a_command_with_options_that_exist_and_ends_it_with_the_signal_it_knows(name):
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str
    unit.read(DEPLOY / "systemd" / f"{name}.service")
    assert set(unit.sections()) == {"Unit", "Service", "Install"}
    service = unit["Service"]
    assert (service["KillSignal"], service["Restart"], service["User"]) == ("SIGINT", "always", "arb")
    program, *words = service["ExecStart"].split()
    if program.endswith("/arb"):
        command = arb.get_command(None, words[0])
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known
    else:
        assert program.endswith("/dagster-webserver")
        assert "--read-only" in words
