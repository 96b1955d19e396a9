"""The page and its push: one look at the lake for all who watch, and none while nobody does."""

import asyncio
import hashlib
import json
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from importlib.resources import files
from typing import Any, Final, Protocol

from aiohttp import web

from arb_platform.domain.errors import SettingsError

HOST: Final = "127.0.0.1"
_EVERY_SECONDS: Final = 2.0
# A proxy or a browser drops a connection on which nothing comes for long.
_ALIVE_SECONDS: Final = 15.0
_MOST_WATCHERS: Final = 200
_END_SECONDS: Final = 2.0


class Looks(Protocol):
    """What :class:`~arb_platform.live.desk.Desk` does."""

    def look(self) -> dict[str, Any]: ...

    def close(self) -> None: ...


class Live:
    """The newest document as JSON, and the tasks that wait for the next one."""

    def __init__(self, desk: Looks, *, every_seconds: float = _EVERY_SECONDS) -> None:
        self._desk = desk
        self._every = every_seconds
        self._newest = b""
        self._number = 0
        self._watchers = 0
        self._watched = asyncio.Event()
        self._changed = asyncio.Condition()
        self._closing = False

    def application(self) -> web.Application:
        """The site: ``/`` the page, ``/events`` the push, ``/state`` the same document once."""
        app = web.Application()
        app.router.add_get("/", self._page)
        app.router.add_get("/state", self._state)
        app.router.add_get("/events", self._events)
        app.cleanup_ctx.append(self._running)
        app.on_shutdown.append(self._shut)
        return app

    async def _running(self, _: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(self._refresh())
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.to_thread(self._desk.close)

    async def _shut(self, _: web.Application) -> None:
        async with self._changed:
            self._closing = True
            self._changed.notify_all()

    async def _refresh(self) -> None:
        while True:
            await self._watched.wait()
            await self._look()
            await asyncio.sleep(self._every)

    async def _look(self) -> None:
        document = await asyncio.to_thread(self._desk.look)
        async with self._changed:
            self._newest = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
            self._number += 1
            self._changed.notify_all()

    async def _page(self, _: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html", headers=_HEADERS)

    async def _state(self, _: web.Request) -> web.Response:
        with self._watching():
            await self._next(self._number)
        return web.Response(body=self._newest, content_type="application/json", headers=_HEADERS)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        if self._watchers >= _MOST_WATCHERS:
            raise web.HTTPServiceUnavailable(text=f"{_MOST_WATCHERS} pages are open already; close one.")
        answer = web.StreamResponse(headers={**_HEADERS, "Content-Type": "text/event-stream"})
        await answer.prepare(request)
        # What was looked at while nobody watched is not shown as what is.
        sent = -1 if self._watchers and self._newest else self._number
        with self._watching():
            try:
                while not self._closing:
                    if sent != self._number:
                        # A slow reader gets the newest and skips what was between.
                        sent = self._number
                        await answer.write(b"id: %d\ndata: %s\n\n" % (sent, self._newest))
                    elif not await self._next(sent):
                        await answer.write(b": nothing new\n\n")
            except ConnectionError:
                pass  # the reader went away
        return answer

    async def _next(self, number: int) -> bool:
        """Wait for a document after ``number``; False when none came for a while."""
        try:
            async with asyncio.timeout(_ALIVE_SECONDS), self._changed:
                await self._changed.wait_for(lambda: self._number != number or self._closing)
        except TimeoutError:
            return False
        return True

    def _watching(self) -> "_Watching":
        return _Watching(self)

    def watch(self, change: int) -> None:
        self._watchers += change
        if self._watchers:
            self._watched.set()
        else:
            self._watched.clear()


class _Watching:
    """Counts one who watches for as long as he does."""

    def __init__(self, live: Live) -> None:
        self._live = live

    def __enter__(self) -> None:
        self._live.watch(1)

    def __exit__(self, *_: object) -> None:
        self._live.watch(-1)


def serve(desk: Looks, port: int) -> None:
    """Serve on the loopback until SIGINT or SIGTERM. Raises SettingsError when the port is taken."""

    async def made() -> web.Application:
        return Live(desk).application()

    try:
        web.run_app(made(), host=HOST, port=port, print=lambda *_: None, access_log=None, shutdown_timeout=_END_SECONDS)  # fmt: skip
    except OSError as error:
        raise SettingsError(
            f"the live page cannot have port {port} ({error.strerror}); choose another with --port or ARB_LIVE_PORT."
        ) from error


def _hashes(kind: str) -> str:
    """What the page may run: exactly its own ``kind`` elements."""
    parts = re.findall(rf"<{kind}>(.*?)</{kind}>", PAGE, re.DOTALL)
    digests = (b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in parts)
    return " ".join(f"'sha256-{digest}'" for digest in digests)


PAGE: Final = files("arb_platform.live").joinpath("page.html").read_text(encoding="utf-8")
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        f"default-src 'none'; connect-src 'self'; script-src {_hashes('script')}; style-src {_hashes('style')}; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}
