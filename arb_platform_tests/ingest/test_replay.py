"""Both venues recorded from real sockets with faults on them, and replayed."""

import asyncio
import json
import math
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import arb_platform_tests
from arb_platform import api, pipeline
from arb_platform.cli import main
from arb_platform.domain.errors import SettingsError
from arb_platform.domain.streams import StreamSession
from arb_platform.ingest.raw import RawTape
from arb_platform.ingest.replay import replay
from arb_platform.settings import Settings, load_settings
from arb_platform.simulate.recordings import load_recording
from arb_platform.simulate.stand import build_stand
from arb_platform.storage.lake import Lake, LakeLocation
from arb_platform.storage.raw_frames import FRAME, RawRow, RawWriter, find_segments
from arb_platform.storage.stream_tables import STREAM_TABLES
from arb_platform.venues.touches import Touch
from arb_platform_tests.conftest import SimulatorThread
from arb_platform_tests.storage.samples import NOON, market

GOLD = Path(arb_platform_tests.__file__).parents[2] / "shared" / "fixtures" / "kalshi" / "gold15m"
VENUES = ("polymarket", "kalshi")
CHANGES = 300
LIMIT = 60
FAULTS = "drop=0.02,garbage=0.01,crossed=0.01,disconnect=2s,seed=3"
BOOKS = "venue, market_id, session_id, epoch, sequence, received_at, exchange_time, crossed, " + ", ".join(
    f"{side}{level}_{what}" for side in ("bid", "ask") for level in (1, 2, 3) for what in ("px", "sz")
)


@dataclass(frozen=True)
class Recorded:
    settings: Settings
    summaries: dict


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Both venues, streamed with faults until each has shown enough changes and was cut off once."""
    root = tmp_path_factory.mktemp("recorded")
    stands = [
        build_stand(venue, port=0, seed=7, now=datetime.now(UTC), markets_per_venue=60, rate=150, faults=FAULTS)
        for venue in VENUES
    ]  # fmt: skip
    with SimulatorThread(*stands):
        variables = {name: value for stand in stands for name, value in stand.environment.items()}
        settings = load_settings(**variables, ARB_DATA_DIR=str(root), ARB_RAW_FRAMES="on")
        summaries = asyncio.run(asyncio.wait_for(stream_both(settings), LIMIT))
    return Recorded(settings, dict(zip(VENUES, summaries, strict=True)))


async def stream_both(settings):
    async def one(venue):
        stop = asyncio.Event()

        def look(beat):
            if beat.snapshots >= CHANGES and beat.reconnections >= 1 and beat.assets_with_book:
                stop.set()

        return await pipeline.stream_venue(settings, venue, stop=stop, on_beat=look)

    return await asyncio.gather(*map(one, VENUES))


def play(source, root, *, speed=math.inf, **options):
    async def work():
        return await replay(
            source,
            LakeLocation.local(root),
            speed=speed,
            stop=options.pop("stop", asyncio.Event()),
            **options,
        )

    return asyncio.run(asyncio.wait_for(work(), LIMIT))


@pytest.fixture(scope="module")
def replayed(recorded, tmp_path_factory):
    root = tmp_path_factory.mktemp("replayed")
    return root, play(recorded.settings.root, root)


def rows(location, table, columns="*"):
    with Lake.open(location, read_only=True) as lake:
        return lake.query(f"SELECT {columns} FROM {table} ORDER BY ALL").rows()


def test_two_replays_give_the_same_tables_to_the_last_column(recorded, replayed, tmp_path):
    again = play(recorded.settings.root, tmp_path)
    assert again.snapshots == replayed[1].snapshots
    for table in STREAM_TABLES:
        first = rows(LakeLocation.local(replayed[0]), table.name)
        assert first, table.name
        assert first == rows(LakeLocation.local(tmp_path), table.name), table.name


def test_a_replay_shows_the_books_sessions_events_and_bad_frames_of_the_live_stream(recorded, replayed):
    live, again = api.lake_location(recorded.settings), LakeLocation.local(replayed[0])
    for venue in VENUES:
        of = f"book_snapshots WHERE venue = '{venue}'"
        assert len(rows(live, of, BOOKS)) >= CHANGES
        assert rows(live, of, BOOKS) == rows(again, of, BOOKS)
    for table in ("stream_sessions", "stream_events", "quarantined_frames"):
        assert rows(live, table), table
        assert rows(live, table) == rows(again, table), table
    trusted = "books_trusted"
    assert rows(live, trusted, BOOKS) == rows(again, trusted, BOOKS)


def test_a_replay_tells_what_it_did_and_knows_the_markets(recorded, replayed):
    root, summary = replayed
    frames = {venue: recorded.summaries[venue].frames for venue in VENUES}
    assert summary.frames_by_venue == frames
    assert (summary.broken, summary.lost, summary.stopped) == ([], 0, False)
    assert summary.snapshots == sum(one.snapshots for one in recorded.summaries.values())
    location = LakeLocation.local(root)
    assert rows(location, "(FROM book_snapshots ANTI JOIN markets USING (venue, market_id))") == []
    assert dict(rows(location, "markets GROUP BY venue", "venue, count(*)")) == dict.fromkeys(VENUES, 60)


def test_recorded_times_are_the_clock_of_a_replay(recorded, replayed):
    location = LakeLocation.local(replayed[0])
    late = "book_snapshots WHERE handed_at <> received_at OR landed_at < handed_at OR landed_at > handed_at + INTERVAL 11 SECOND"
    assert rows(location, late) == []
    (last,) = rows(api.lake_location(recorded.settings), "stream_sessions", "max(ended_at)")[0]
    assert rows(location, f"ingest_segments WHERE promoted_at > '{last.isoformat()}'") == []


def test_the_same_replay_into_the_same_lake_adds_nothing(recorded, replayed, tmp_path):
    shutil.copytree(replayed[0], tmp_path / "copy")
    again = play(recorded.settings.root, tmp_path / "copy")
    assert again.rows == 0
    location = LakeLocation.local(tmp_path / "copy")
    assert rows(location, "book_snapshots") == rows(LakeLocation.local(replayed[0]), "book_snapshots")


def test_the_live_lake_is_left_alone_unless_asked(recorded, tmp_path):
    shutil.copytree(recorded.settings.root, tmp_path / "live")
    live = tmp_path / "live"
    before = rows(LakeLocation.local(live), "book_snapshots", "count(*)")
    with pytest.raises(SettingsError, match=r"--into.*--mix"):
        play(live, live)
    assert rows(LakeLocation.local(live), "book_snapshots", "count(*)") == before
    play(live, live, mix=True)
    assert rows(LakeLocation.local(live), "book_snapshots", "count(*)") == [(2 * before[0][0],)]


def test_a_damaged_segment_is_skipped_and_named_and_its_hole_is_a_gap(tmp_path):
    delta = '{"type":"orderbook_delta","sid":1,"seq":%d,"msg":{"market_ticker":"KX-1","price_dollars":"0.4000","delta_fp":"1.00","side":"yes"}}'
    first = '{"type":"orderbook_snapshot","sid":1,"seq":%d,"msg":{"market_ticker":"KX-1","yes_dollars_fp":[["0.4000","5.00"]]}}'
    tape = RawTape(tmp_path / "raw-of", "kalshi", max_depth=3, run="b" * 32)
    tape.on_touch(Touch("feed", 0, NOON, "", [market("KX-1")]))
    tape.on_touch(Touch("connected", 0, NOON, "s-1", StreamSession("s-1", "kalshi", 0, NOON)))
    for number, text in enumerate([first, delta, delta, first, delta], start=1):
        tape.on_frame((text % number).encode(), NOON + timedelta(seconds=number), "s-1")
        tape.writer.cut()
    tape.close()
    whole = play(tmp_path / "raw-of", tmp_path / "whole")
    assert (whole.snapshots, whole.broken) == (5, [])
    segment = find_segments(tmp_path / "raw-of")[0][2]
    segment.path.write_bytes(segment.path.read_bytes()[:-9])
    summary = play(tmp_path / "raw-of", tmp_path / "holed")
    assert [part.file for part in summary.broken] == [segment.path.name]
    assert "checksum" in str(summary.broken[0])
    # two before the hole, and the whole book after it
    location = LakeLocation.local(tmp_path / "holed")
    shown = rows(location, "book_snapshots", "received_at, epoch, bid1_sz::INTEGER")
    seconds = [(int((at - NOON).total_seconds()), epoch, size) for at, epoch, size in shown]
    assert seconds == [(1, 1, 5), (2, 1, 6), (4, 2, 5), (5, 2, 6)]
    gaps = rows(location, "stream_events WHERE kind = 'gap'", "market_id, started_at, ended_at")
    assert gaps == [(None, NOON + timedelta(seconds=2), NOON + timedelta(seconds=4))]


def test_a_broken_line_is_skipped_counted_and_named(tmp_path):
    writer = RawWriter(tmp_path / "raw-of", "kalshi", run="c" * 32, metadata={"max_depth": 3})
    writer.put(RawRow("connected", 0, NOON, "s-1", b"{not json"))
    writer.put(RawRow("unheard-of", 0, NOON, "s-1", b""))
    writer.put(RawRow(FRAME, 0, NOON, "s-1", b"\xff\xfe"))
    writer.close()
    summary = play(tmp_path / "raw-of", tmp_path / "lake")
    assert [
        "row 0 (connected): not JSON" in str(summary.broken[0]),
        "unheard-of" in str(summary.broken[1]),
    ] == [True, True]
    assert len(summary.broken) == 2
    # the frame's session has no beginning and its bytes are no message: both are rows
    location = LakeLocation.local(tmp_path / "lake")
    assert rows(location, "stream_sessions", "session_id, reason") == [("s-1", "the beginning of this session is missing in the recording")]  # fmt: skip
    assert rows(location, "quarantined_frames", "frame") == [(b"\xff\xfe",)]


def test_a_speed_is_a_factor_on_recorded_time(tmp_path):
    writer = RawWriter(tmp_path / "raw-of", "kalshi", run="d" * 32, metadata={"max_depth": 3})
    for minute in range(3):
        writer.put(RawRow("tick", 0, NOON + timedelta(minutes=minute), "", b""))
    writer.close()
    now = 0.0

    async def sleep(seconds):
        nonlocal now
        now += seconds

    def elapsed(speed, folder):
        nonlocal now
        now = 0.0
        play(tmp_path / "raw-of", tmp_path / folder, speed=speed, monotonic=lambda: now, sleep=sleep)
        return now

    assert elapsed(2.0, "twice") == pytest.approx(60, abs=0.01)
    assert elapsed(60.0, "sixty") == pytest.approx(2, abs=0.01)
    assert elapsed(math.inf, "max") == 0


def test_a_replay_that_was_stopped_goes_on_where_it_was(recorded, replayed, tmp_path):
    async def stop_early():
        stop = asyncio.Event()
        return await replay(
            recorded.settings.root, LakeLocation.local(tmp_path), speed=math.inf, stop=stop,
            on_progress=lambda frames: frames > CHANGES and stop.set(),
        )  # fmt: skip

    part = asyncio.run(asyncio.wait_for(stop_early(), LIMIT))
    assert part.stopped
    assert part.rows < replayed[1].rows
    play(recorded.settings.root, tmp_path)
    whole = rows(LakeLocation.local(replayed[0]), "book_snapshots")
    assert rows(LakeLocation.local(tmp_path), "book_snapshots") == whole


def test_polling_is_recorded_and_replayed_too(tmp_path):
    stand = build_stand("kalshi", port=0, seed=7, now=datetime.now(UTC), markets_per_venue=20, rate=50)
    with SimulatorThread(stand):
        settings = load_settings(
            ARB_KALSHI_REST_URL=stand.environment["ARB_KALSHI_REST_URL"], ARB_DATA_DIR=str(tmp_path / "live"), ARB_RAW_FRAMES="on",
        )  # fmt: skip

        async def work():
            stop = asyncio.Event()
            return await pipeline.stream_venue(
                settings, "kalshi", stop=stop, on_beat=lambda beat: beat.snapshots and stop.set()
            )

        asyncio.run(asyncio.wait_for(work(), LIMIT))
    play(settings.root, tmp_path / "again")
    live, again = api.lake_location(settings), LakeLocation.local(tmp_path / "again")
    assert rows(live, "book_snapshots", BOOKS)
    assert rows(live, "book_snapshots", BOOKS) == rows(again, "book_snapshots", BOOKS)
    assert rows(live, "stream_sessions") == rows(again, "stream_sessions")


def test_maintenance_drops_raw_frames_beyond_retention_and_keeps_the_rest(tmp_path):
    settings = load_settings(ARB_DATA_DIR=str(tmp_path), ARB_RETENTION_DAYS="5")
    for run, days in (("a" * 32, 7), ("b" * 32, 1)):
        writer = RawWriter(settings.root, "kalshi", run=run, metadata={"max_depth": 3})
        writer.put(RawRow("tick", 0, datetime.now(UTC) - timedelta(days=days), "", b""))
        writer.close()
    assert pipeline.maintain_lake(settings).raw_segments_dropped == 1
    assert [segment.run for segment in find_segments(settings.root)[0]] == ["b" * 32]


@pytest.mark.parametrize("venue", VENUES)
def test_a_simulator_serves_raw_frames_of_ours(recorded, venue):
    recording = load_recording(recorded.settings.root, venue=venue, speed="max")
    assert recording.venue == venue
    assert len(recording.frames) > CHANGES / 2
    known = {one.market_id: one.document for one in recording.markets(datetime.now(UTC))}
    titles = rows(
        api.lake_location(recorded.settings), f"book_snapshots WHERE venue = '{venue}'", "DISTINCT market_id"
    )
    assert {market_id for (market_id,) in titles} <= set(known)
    assert not any("Recorded market" in (one.get("question") or one.get("title")) for one in known.values())


def test_raw_frames_of_both_venues_want_to_be_told_which_one_to_serve(recorded):
    with pytest.raises(SettingsError, match="raw/kalshi"):
        load_recording(recorded.settings.root)


def test_the_books_of_a_recording_can_be_streamed_from_a_simulator(recorded, tmp_path):
    stand = build_stand(
        "kalshi",
        port=0,
        seed=8,
        now=datetime.now(UTC),
        markets_per_venue=5,
        rate=0,
        recordings=recorded.settings.root,
        speed=20,
    )
    with SimulatorThread(stand):
        settings = load_settings(**stand.environment, ARB_DATA_DIR=str(tmp_path))
        tickers = sorted(
            {
                one
                for (one,) in rows(
                    api.lake_location(recorded.settings),
                    "book_snapshots WHERE venue = 'kalshi'",
                    "DISTINCT market_id",
                )
            }
        )

        async def work():
            stop = asyncio.Event()
            return await pipeline.stream_venue(
                settings,
                "kalshi",
                stop=stop,
                markets=",".join(tickers),
                on_beat=lambda beat: beat.snapshots > CHANGES / 2 and stop.set(),
            )

        summary = asyncio.run(asyncio.wait_for(work(), LIMIT))
    assert summary.snapshots > CHANGES / 2
    assert summary.gaps == 0


def test_the_command_replays_into_a_new_folder_and_says_where(recorded, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ARB_DATA_DIR", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        main(["replay", str(recorded.settings.root), "--json"])
    assert ended.value.code == 0
    document = json.loads(capsys.readouterr().out)
    assert document["frames"] == {venue: recorded.summaries[venue].frames for venue in VENUES}
    assert document["skipped"] == []
    assert Path(document["data_dir"]).is_relative_to(tmp_path / "demo" / "replays")
    assert rows(LakeLocation.local(Path(document["data_dir"])), "book_snapshots", "count(*)") == [
        (document["snapshots"],)
    ]


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["--speed", "fast"], 2, "takes a number above 0 or max"),
        (["--speed", "0"], 2, "takes a number above 0 or max"),
        ([], 1, "no recorded frames"),
    ],
)
def test_the_command_says_in_one_sentence_what_it_cannot_do(
    tmp_path, monkeypatch, capsys, words, status, said
):
    monkeypatch.setenv("ARB_DATA_DIR", str(tmp_path / "data"))
    with pytest.raises(SystemExit) as ended:
        main(["replay", str(tmp_path), *words])
    assert ended.value.code == status
    assert said in capsys.readouterr().err


def test_a_capture_of_another_program_is_replayed_and_its_broken_line_named(tmp_path, monkeypatch, capsys):
    event = {"type": "orderbook_snapshot", "sid": 1, "seq": 900, "msg": {"market_ticker": "KXG-1", "yes_dollars_fp": [["0.4000", "10.00"]]}}  # fmt: skip
    delta = {"type": "orderbook_delta", "sid": 1, "seq": 977, "msg": {"market_ticker": "KXG-1", "price_dollars": "0.4100", "delta_fp": "3.25", "side": "yes", "ts_ms": 1_760_000_000_000}}  # fmt: skip
    lines = [json.dumps({"recv_ms": 1_760_000_000_000, "event": event}), '{"recv', json.dumps({"recv_ms": 1_760_000_000_040, "event": delta})]  # fmt: skip
    (tmp_path / "capture" / "events").mkdir(parents=True)
    (tmp_path / "capture" / "events" / "a.ndjson").write_text("\n".join(lines))
    monkeypatch.setenv("ARB_DATA_DIR", str(tmp_path / "data"))
    documents = []
    for folder in ("one", "two"):
        with pytest.raises(SystemExit) as ended:
            main(["replay", str(tmp_path / "capture"), "--into", str(tmp_path / folder), "--json"])
        assert ended.value.code == 0
        documents.append(json.loads(capsys.readouterr().out))
    assert documents[0]["frames"] == {"kalshi": 2}
    assert documents[0]["snapshots"] == 2
    assert documents[0]["skipped"][0].startswith("a.ndjson: line 2")
    first, second = (LakeLocation.local(Path(one["data_dir"])) for one in documents)
    shown = rows(first, "book_snapshots")
    assert shown == rows(second, "book_snapshots")
    assert rows(first, "book_snapshots", "epoch_ms(received_at)") == [
        (1_760_000_000_000,),
        (1_760_000_000_040,),
    ]
    assert rows(first, "stream_events") == []


def test_a_real_capture_is_replayed_whole(tmp_path, monkeypatch, capsys):
    if not GOLD.is_dir():
        pytest.skip(f"the recorded frames are not here: {GOLD}")
    folder = tmp_path / "gold"
    (folder / "events").mkdir(parents=True)
    capture = min((GOLD / "events").iterdir(), key=lambda path: path.stat().st_size)
    shutil.copy(capture, folder / "events")
    monkeypatch.setenv("ARB_DATA_DIR", str(tmp_path))
    with pytest.raises(SystemExit):
        main(["replay", str(folder), "--json"])
    document = json.loads(capsys.readouterr().out)
    assert document["snapshots"] > 0
    assert document["skipped"] == []
