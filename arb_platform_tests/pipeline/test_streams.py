"""What a stream follows changes while it is connected."""

import asyncio

from arb_platform import api
from arb_platform.ingest.watchlist import watchlist
from arb_platform.pipeline.streams import adapter_for, keep_following
from arb_platform.storage.lake import Lake

PATIENCE_SECONDS = 30


class Looks:
    """Stands for the pause between two looks: the first are over at once, the one after them never."""

    def __init__(self, count):
        self.left = count
        self.over = asyncio.Event()

    async def __call__(self, _seconds):
        if not self.left:
            self.over.set()
            await asyncio.Event().wait()
        self.left -= 1


async def until_all_have_books(adapter):
    async for _ in adapter.stream():
        if adapter.assets_subscribed > 2 and adapter.assets_with_book == adapter.assets_subscribed:
            return


async def looked(settings, adapter, looks):
    following = asyncio.create_task(keep_following(settings, "polymarket", adapter, sleep=looks))
    await asyncio.wait_for(looks.over.wait(), PATIENCE_SECONDS)
    following.cancel()


def test_markets_are_added_and_dropped_on_the_open_socket(worked):
    settings = worked.settings
    with Lake.open(api.lake_location(settings), read_only=True) as lake:
        wanted = watchlist(lake, "polymarket", settings.track)
    kept, *others = wanted
    stranger = "0x" + "5" * 64

    async def scenario():
        adapter = adapter_for(settings, "polymarket", markets=[kept, stranger])
        opened = asyncio.create_task(until_all_have_books(adapter))
        while not adapter.connected:
            await asyncio.sleep(0)
        assert stranger in {market.market_id for market in adapter.markets}
        await looked(settings, adapter, Looks(1))
        await asyncio.wait_for(opened, PATIENCE_SECONDS)
        followed = {market.market_id for market in adapter.markets}
        sockets = adapter.reconnections, adapter.sockets
        await adapter.close()
        return followed, sockets

    followed, (reconnections, sockets) = asyncio.run(scenario())
    assert others
    assert followed == {market.market_id for market in wanted}
    assert (reconnections, sockets) == (0, 1)
