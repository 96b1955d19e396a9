"""``arb sql`` without a query, typed at on a terminal."""

import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

import pytest

from arb_platform.storage.lake import Lake, LakeLocation

PATIENCE_SECONDS = 60


class Terminal:
    """A shell at the other end of a pseudo-terminal."""

    def __init__(self, data_dir):
        self.screen, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "arb_platform.cli", "sql", "--format", "csv"],
            stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, "ARB_DATA_DIR": str(data_dir), "TERM": "dumb"},
        )  # fmt: skip
        os.close(theirs)
        self.unread = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.screen)

    def shows(self, pattern, *, patience=PATIENCE_SECONDS):
        """Wait until what is shown matches, and forget it up to there."""
        until = time.monotonic() + patience
        while (found := re.search(pattern, self.unread)) is None:
            ready, _, _ = select.select([self.screen], [], [], max(0, until - time.monotonic()))
            assert ready, f"{pattern} was not shown, but: {self.unread}"
            self.unread += os.read(self.screen, 65536).decode()
        self.unread = self.unread[found.end() :]

    def interrupted_shows(self, pattern):
        """Ctrl-C, and again by a user who sees no answer: one between the prompt and the reading is heard with the next key."""
        for _ in range(5):
            self.process.send_signal(signal.SIGINT)
            with contextlib.suppress(AssertionError):
                self.shows(pattern, patience=2)
                return
        self.shows(pattern)

    def type(self, text):
        os.write(self.screen, text.encode())

    def ends(self):
        return self.process.wait(PATIENCE_SECONDS)


@pytest.fixture
def data_dir(tmp_path):
    with Lake.open(LakeLocation.local(tmp_path / "demo")) as lake, lake.transaction() as connection:
        connection.execute("INSERT INTO reviews (pair_hash) VALUES ('kept')")
    return tmp_path


def test_the_shell_answers_refuses_to_write_and_remembers_what_was_asked(data_dir):
    with Terminal(data_dir) as shell:
        shell.shows("read-only.*\r\narb> ")
        shell.type("SELECT 6 *\n")
        shell.shows(r"\.\.\.> ")
        shell.type("7 AS answer;\n")
        shell.shows("answer\r\n42\r\n.*arb> ")
        shell.type("DELETE FROM reviews;\n")
        shell.shows("arb: this shell only reads and DELETE does not.*\r\n.*arb> ")
        shell.type("SELECT no_such_column FROM reviews;\n")
        shell.shows("arb: .*no_such_column.*\r\n.*arb> ")
        shell.type("nonsense\n")
        shell.shows(r"\.\.\.> ")
        shell.interrupted_shows("arb> ")  # drops what was typed
        shell.type(".tables\n")
        shell.shows("matched_pairs,VIEW(.|\r|\n)*arb> ")
        shell.type("SELECT pair_hash FROM reviews;\n")
        shell.shows("pair_hash\r\nkept\r\n.*arb> ")
        shell.type(".quit\n")
        assert shell.ends() == 0
    with Terminal(data_dir) as again:
        again.shows("arb> ")
        again.type("\x10\x10\n")  # twice back in the history: before .quit
        again.shows("pair_hash\r\nkept\r\n.*arb> ")
        again.type("\x04")
        assert again.ends() == 0
    assert "7 AS answer;" in (data_dir / "demo" / ".sql_history").read_text().splitlines()
