"""A real server that answers like a venue on which nothing is listed."""

from aiohttp import web


class EmptyVenue:
    """Gamma's keyset pages, Kalshi's pages: whatever is asked for, there is none of it."""

    async def start(self):
        application = web.Application()
        application.router.add_get("/{tail:.*}", self._nothing)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self):
        await self._runner.cleanup()

    async def _nothing(self, request):
        del request
        return web.json_response({"markets": [], "events": [], "series": [], "cursor": ""})
