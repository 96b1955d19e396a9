"""One simulator with everything that is needed to talk to it, as the command line and the platform start it."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from arb_platform.domain.errors import SettingsError
from arb_platform.simulate.catalogue import build_catalogue
from arb_platform.simulate.faults import parse_faults
from arb_platform.simulate.kalshi import KalshiSimulator, generate_key_pair
from arb_platform.simulate.llm import DEEPSEEK_KEY, OPENAI_KEY, LLMSimulator
from arb_platform.simulate.llm_faults import DEMO_FAULTS
from arb_platform.simulate.llm_faults import parse_faults as parse_llm_faults
from arb_platform.simulate.polymarket import PolymarketSimulator
from arb_platform.simulate.recordings import load_recording

_KEY_ID: Final = "demo"


class Server(Protocol):
    async def start(self) -> None: ...

    async def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Stand:
    """A simulator, the settings that point the platform at it once it started, and what to tell its user."""

    what: str
    server: Server
    private_key_path: Path | None = None
    notes: tuple[str, ...] = ()

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that make the platform talk to this simulator; addresses are known after the start."""
        match self.server:
            case PolymarketSimulator() as server:
                return {
                    "ARB_POLYMARKET_WS_URL": server.ws_url,
                    "ARB_POLYMARKET_GAMMA_URL": server.gamma_url,
                    "ARB_POLYMARKET_CLOB_URL": server.clob_url,
                }
            case KalshiSimulator() as server:
                return {
                    "ARB_KALSHI_WS_URL": server.ws_url,
                    "ARB_KALSHI_REST_URL": server.rest_url,
                    "KALSHI_API_KEY": _KEY_ID,
                    "KALSHI_PRIVATE_KEY": "",
                    "KALSHI_PRIVATE_KEY_PATH": str(self.private_key_path),
                }
            case LLMSimulator() as server:
                return {
                    "ARB_DEEPSEEK_BASE_URL": server.deepseek_base_url,
                    "ARB_OPENAI_BASE_URL": server.openai_base_url,
                    "DEEPSEEK_API_KEY": DEEPSEEK_KEY,
                    "OPENAI_API_KEY": OPENAI_KEY,
                }
            case _:
                raise TypeError(f"not a simulator: {self.server!r}")


def build_stand(
    what: str,
    *,
    port: int,
    seed: int,
    now: datetime,
    faults: str = "",
    markets_per_venue: int = 400,
    rate: float = 20.0,
    recordings: Path | None = None,
    speed: float = 1.0,
    private_key_path: Path | None = None,
) -> Stand:
    """A simulator that is not started yet. Kalshi's gets a new key pair, whose private half is kept in
    ``private_key_path`` (default: a temporary file) for its owner to read.

    Raises SettingsError for faults or recordings that make no sense.
    """
    if what == "llm":
        if recordings is not None:
            raise SettingsError("the llm simulator has no recordings; drop --recordings")
        catalogue = build_catalogue(seed, now=now, markets_per_venue=markets_per_venue)
        model_faults = parse_llm_faults(faults) if faults else DEMO_FAULTS
        return Stand(what, LLMSimulator(catalogue, seed=seed, port=port, faults=model_faults))
    plan = parse_faults(faults) if faults else None
    recording = None if recordings is None else load_recording(recordings, speed=speed, venue=what)
    if recording is not None and recording.venue != what:
        raise SettingsError(f"the recording in {recordings} is of {recording.venue}, not of {what}")
    notes = tuple(f"skipped: {broken}" for broken in (recording.broken if recording else ()))
    catalogue = build_catalogue(seed, now=now, markets_per_venue=markets_per_venue)
    if what == "polymarket":
        polymarket = PolymarketSimulator(
            catalogue, seed=seed, port=port, rate=rate, recording=recording, faults=plan
        )
        return Stand(what, polymarket, notes=notes)
    private_key, public_key = generate_key_pair()
    kalshi = KalshiSimulator(
        catalogue,
        seed=seed,
        port=port,
        rate=rate,
        recording=recording,
        faults=plan,
        public_keys={_KEY_ID: public_key},
    )
    return Stand(what, kalshi, _keep(private_key, private_key_path), notes)


def _keep(private_key: str, path: Path | None) -> Path:
    """Write a private key so that only its owner can read it."""
    if path is None:
        folder = tempfile.mkdtemp(prefix="arb-simulator-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        path = Path(folder) / "kalshi.pem"
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(private_key)
    return path
