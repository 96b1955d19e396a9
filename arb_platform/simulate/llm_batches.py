"""OpenAI's files and batches, as its documentation has them (2026): questions in a file, answers in another one later.

A batch is worked off when somebody looks at it ``seconds`` after it was made, so a test's clock decides.
"""

import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final, Literal

from aiohttp import web

from arb_platform.simulate.llm_chat import Refused, error_response

LARGEST_FILE: Final = 200_000_000
_WINDOW: Final = timedelta(hours=24)
_ENDPOINT: Final = "/v1/chat/completions"
_MOST_LISTED: Final = 100

# failed: refused as a whole. expired, cancelled: ended when half was done. stuck: never done before it expires.
# out_of_order: answers come in another order. left_out: completed, and one line has no answer.
# damaged: one line of the output is cut.
BatchFault = Literal["failed", "expired", "cancelled", "stuck", "out_of_order", "left_out", "damaged"]


@dataclass(slots=True)
class _File:
    file_id: str
    name: str
    purpose: str
    content: bytes
    at: datetime

    def document(self) -> dict[str, Any]:
        return {
            "id": self.file_id, "object": "file", "bytes": len(self.content), "created_at": int(self.at.timestamp()),
            "filename": self.name, "purpose": self.purpose, "status": "processed",
        }  # fmt: skip


@dataclass(slots=True)
class _Batch:
    batch_id: str
    input_file: str
    metadata: dict[str, str]
    created_at: datetime
    fault: BatchFault | None
    status: str = "validating"
    total: int = 0
    completed: int = 0
    failed: int = 0
    output_file: str | None = None
    error_file: str | None = None
    errors: list[dict[str, Any]] = field(default_factory=list)
    ended_at: datetime | None = None

    def document(self) -> dict[str, Any]:
        ended = None if self.ended_at is None else int(self.ended_at.timestamp())
        created = int(self.created_at.timestamp())
        return {
            "id": self.batch_id, "object": "batch", "endpoint": _ENDPOINT, "input_file_id": self.input_file,
            "completion_window": "24h", "status": self.status, "output_file_id": self.output_file, "error_file_id": self.error_file,
            "created_at": created, "in_progress_at": created, "expires_at": created + int(_WINDOW.total_seconds()), "finalizing_at": ended,
            **{f"{status}_at": ended if self.status == status else None for status in ("completed", "failed", "expired", "cancelled")},
            "cancelling_at": None, "errors": {"object": "list", "data": self.errors} if self.errors else None,
            "request_counts": {"total": self.total, "completed": self.completed, "failed": self.failed}, "metadata": self.metadata,
        }  # fmt: skip


class BatchService:
    """``answer`` gives status and body of one request; ``script`` holds what goes wrong with the next batches."""

    def __init__(
        self,
        answer: Callable[[bytes], tuple[int, bytes]],
        *,
        check_key: Callable[[web.Request], None],
        seconds: float,
        clock: Callable[[], datetime],
    ) -> None:
        self.script: deque[BatchFault | None] = deque()
        self.seconds = seconds
        # requests of this path (as "POST /batches") are carried out, and their answer is cut off
        self.cut: deque[str] = deque()
        self._answer = answer
        self._check_key = check_key
        self._clock = clock
        self._numbers = count(1)
        self._files: dict[str, _File] = {}
        self._batches: dict[str, _Batch] = {}

    @property
    def files(self) -> list[str]:
        """Names of the files that are kept."""
        return [file.name for file in self._files.values()]

    @property
    def statuses(self) -> list[str]:
        """How the batches stand, in the order they were made."""
        return [batch.status for batch in self._batches.values()]

    def add_routes(self, router: web.UrlDispatcher, base: str) -> None:
        for method, path, handle in (
            ("POST", "/files", self._upload),
            ("GET", "/files/{file_id}/content", self._content),
            ("DELETE", "/files/{file_id}", self._delete),
            ("POST", "/batches", self._create),
            ("GET", "/batches", self._list),
            ("GET", "/batches/{batch_id}", self._show),
        ):
            router.add_route(method, base + path, self._guarded(f"{method} {path}", handle))

    def _guarded(self, name: str, handle: Any) -> Any:
        async def guarded(request: web.Request) -> web.StreamResponse:
            try:
                self._check_key(request)
                response: web.StreamResponse = await handle(request)
            except Refused as refusal:
                return error_response(refusal)
            if self.cut and self.cut[0] == name:
                self.cut.popleft()
                if request.transport is not None:
                    request.transport.abort()
            return response

        return guarded

    async def _upload(self, request: web.Request) -> web.Response:
        form = await request.post()
        file, purpose = form.get("file"), form.get("purpose")
        if not isinstance(file, web.FileField) or purpose != "batch":
            raise Refused(400, "a file with the purpose batch is needed", "invalid_request_error")
        return web.json_response(self._keep(file.filename, "batch", file.file.read()).document())

    def _keep(self, name: str, purpose: str, content: bytes) -> _File:
        file = _File(f"file-simulated-{next(self._numbers)}", name, purpose, content, self._clock())
        self._files[file.file_id] = file
        return file

    def _file(self, request: web.Request) -> _File:
        file = self._files.get(request.match_info["file_id"])
        if file is None:
            raise Refused(404, "No such File object", "invalid_request_error")
        return file

    async def _content(self, request: web.Request) -> web.Response:
        return web.Response(body=self._file(request).content, content_type="application/octet-stream")

    async def _delete(self, request: web.Request) -> web.Response:
        file = self._file(request)
        del self._files[file.file_id]
        return web.json_response({"id": file.file_id, "object": "file", "deleted": True})

    async def _create(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if asked.get("endpoint") != _ENDPOINT or asked.get("completion_window") != "24h":
            raise Refused(400, "this endpoint or window is not supported", "invalid_request_error")
        if asked.get("input_file_id") not in self._files:
            raise Refused(400, "the input file does not exist", "invalid_request_error")
        fault = self.script.popleft() if self.script else None
        batch = _Batch(
            f"batch_simulated_{next(self._numbers)}", asked["input_file_id"], dict(asked.get("metadata") or {}), self._clock(), fault
        )  # fmt: skip
        self._batches[batch.batch_id] = batch
        return web.json_response(batch.document())

    async def _list(self, request: web.Request) -> web.Response:
        newest = list(reversed(self._batches.values()))
        ids = [batch.batch_id for batch in newest]
        after = request.query.get("after")
        start = ids.index(after) + 1 if after in ids else 0
        size = min(_MOST_LISTED, int(request.query.get("limit", "20")))
        page = newest[start : start + size]
        for batch in page:
            self._work(batch)
        listed = [batch.document() for batch in page]
        return web.json_response({"object": "list", "data": listed, "has_more": start + size < len(newest)})

    async def _show(self, request: web.Request) -> web.Response:
        batch = self._batches.get(request.match_info["batch_id"])
        if batch is None:
            raise Refused(404, "No batch found with this id", "invalid_request_error")
        self._work(batch)
        return web.json_response(batch.document())

    def _work(self, batch: _Batch) -> None:
        """Bring ``batch`` to where it is now."""
        if batch.ended_at is not None:
            return
        now = self._clock()
        age = now - batch.created_at
        late = age >= _WINDOW
        if not late and (batch.fault == "stuck" or age.total_seconds() < self.seconds):
            batch.status = "in_progress"
            return
        file = self._files.get(batch.input_file)
        lines = file.content.splitlines() if file else []
        batch.total, batch.ended_at = len(lines), now
        faults = _line_faults(lines)
        if batch.fault == "failed" or faults:
            batch.status = "failed"
            batch.errors = faults or [{"code": "invalid_json_line", "message": "This line is not parseable as valid JSON.", "param": None, "line": 1}]  # fmt: skip
            return
        ends = {"expired": "expired", "cancelled": "cancelled", "stuck": "expired"}
        batch.status = ends.get(batch.fault or "", "completed")
        done = 0 if batch.fault == "stuck" else len(lines) // 2 if batch.status != "completed" else len(lines)
        self._answer_lines(batch, lines, done)

    def _answer_lines(self, batch: _Batch, lines: list[bytes], done: int) -> None:
        good: list[bytes] = []
        bad: list[bytes] = []
        for number, line in enumerate(lines):
            custom_id, body = _asked(line)
            if number >= done:
                bad.append(_line(custom_id, None, code=f"batch_{batch.status}"))
                continue
            status, answer = self._answer(body)
            (good if status == 200 else bad).append(_line(custom_id, (status, answer)))
        batch.completed, batch.failed = len(good), len(bad)
        if batch.fault == "out_of_order":
            good.reverse()
        if batch.fault == "left_out":
            good = good[1:]
        if batch.fault == "damaged":
            good[:1] = [good[0][: len(good[0]) // 2]]
        if good:
            batch.output_file = self._keep("output.jsonl", "batch_output", b"\n".join(good) + b"\n").file_id
        if bad:
            batch.error_file = self._keep("errors.jsonl", "batch_output", b"\n".join(bad) + b"\n").file_id


def _asked(line: bytes) -> tuple[str, bytes]:
    document = json.loads(line)
    return document["custom_id"], json.dumps(document["body"]).encode()


def _line(custom_id: str, response: tuple[int, bytes] | None, *, code: str = "") -> bytes:
    said: dict[str, Any] = {"id": f"batch_req_{custom_id[:8]}", "custom_id": custom_id, "response": None, "error": None}  # fmt: skip
    if response is None:
        said["error"] = {
            "code": code,
            "message": "This request could not be executed before the batch ended.",
        }
    else:
        said["response"] = {"status_code": response[0], "request_id": "req_simulated", "body": json.loads(response[1])}  # fmt: skip
    return json.dumps(said).encode()


def _line_faults(lines: list[bytes]) -> list[dict[str, Any]]:
    """What the provider finds wrong before it begins: ids twice, other endpoints, more than one model."""
    return [
        {"code": code, "message": message, "param": None, "line": number}
        for number, code, message in _faults(lines)
    ]


def _faults(lines: list[bytes]) -> Iterator[tuple[int, str, str]]:
    seen: set[str] = set()
    models: set[str] = set()
    for number, line in enumerate(lines, start=1):
        try:
            document = json.loads(line)
            custom_id, url, body = document["custom_id"], document["url"], document["body"]
            models.add(body["model"])
        except (ValueError, KeyError, TypeError):
            yield number, "invalid_json_line", "This line is not parseable as valid JSON."
            continue
        if custom_id in seen:
            yield number, "duplicate_custom_id", f"The custom_id {custom_id} is used more than once."
        if url != _ENDPOINT or document.get("method") != "POST" or body.get("stream"):
            yield number, "invalid_url", "This request does not fit the batch's endpoint."
        seen.add(custom_id)
    if len(models) > 1:
        yield 1, "mismatched_model", "All requests of a batch must name the same model."
