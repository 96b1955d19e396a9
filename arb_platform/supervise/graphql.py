"""The few questions ``arb up`` asks Dagster's web server."""

import json
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any, Final

from arb_platform.domain.errors import TransportError

_IN_PROGRESS: Final = """
query { runsOrError(filter: {statuses: [QUEUED, NOT_STARTED, STARTING, STARTED]}) {
  ... on Runs { results { runId jobName } } } }
"""
_TERMINATE: Final = """
mutation($ids: [String!]!) { terminateRuns(runIds: $ids, terminatePolicy: SAFE_TERMINATE) { __typename } }
"""
_ASSETS: Final = """
query { assetNodes { assetKey { path } automationCondition { label } isPartitioned assetMaterializations(limit: 1) { timestamp } } }
"""


def ask(port: int, query: str, **variables: Any) -> dict[str, Any]:
    """The ``data`` of one GraphQL answer. Raises TransportError."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", data=body, headers={"Content-Type": "application/json"}
    )
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
            document = json.load(answer)
    except (OSError, urllib.error.URLError, ValueError) as error:
        raise TransportError(f"Dagster's web server on port {port} did not answer: {error}") from error
    data = document.get("data")
    if not isinstance(data, dict):
        raise TransportError(f"Dagster's web server answered with an error: {document.get('errors')}")
    return data


def runs_in_progress(port: int) -> list[tuple[str, str]]:
    """(run id, job name) of everything queued or running."""
    results = ask(port, _IN_PROGRESS)["runsOrError"].get("results", [])
    return [(run["runId"], run["jobName"]) for run in results]


def terminate_runs(port: int, run_ids: list[str]) -> None:
    """Ask these runs to end in order."""
    if run_ids:
        ask(port, _TERMINATE, ids=run_ids)


def assets(port: int) -> dict[str, datetime | None]:
    """Name of each asset that materializes by itself -> when it last did.

    Those have a condition, but for the books, which streams tell of by venue. The rest is only looked at.
    """
    return {
        "/".join(node["assetKey"]["path"]): max(
            (
                datetime.fromtimestamp(int(one["timestamp"]) / 1000, UTC)
                for one in node["assetMaterializations"]
            ),
            default=None,
        )
        for node in ask(port, _ASSETS)["assetNodes"]
        if node["automationCondition"] or node["assetMaterializations"]
        if node["automationCondition"] is not None or node["isPartitioned"]
    }
