# A cell's last line is what it shows, and its arguments are what it depends on: marimo's way, not a slip.
# ruff: noqa: ANN001, ANN201, ANN202, B018, INP001, N803, PLC0415, PLR0917
"""The lake at a glance: ``marimo run docs/notebooks/lake.py`` in the folder where ``arb`` runs."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="The lake at a glance")


@app.cell
def imports():
    from contextlib import closing

    import altair as alt
    import marimo as mo
    import polars as pl
    import polars.selectors as cs

    import arb_platform
    from arb_platform.domain.errors import LakeUnavailable

    return LakeUnavailable, alt, arb_platform, closing, cs, mo, pl


@app.cell
def heading(mo):
    refresh = mo.ui.refresh(options=["5s", "30s", "5m"], default_interval="30s", label="read again every")
    mo.vstack([mo.md("# The lake at a glance"), refresh])
    return (refresh,)


@app.cell
def read_lake(LakeUnavailable, arb_platform, closing, mo, refresh):
    # Runs again with every tick of the control above, and everything below with it.
    refresh.value
    _cookbook = mo.notebook_dir().parent / "queries"
    _wanted = (
        "09_widest_disagreement_now",
        "03_spread_by_hour",
        "15_edges_over_time",
        "10_latency_by_stage",
        "16_llm_cost_by_hour",
    )
    try:
        # Opened, asked and closed: no connection and no transaction outlives this cell.
        with closing(arb_platform.open_lake(read_only=True)) as _lake:
            answers = {name: _lake.sql((_cookbook / f"{name}.sql").read_text()).pl() for name in _wanted}
            _newest, _books = _lake.sql("SELECT max(received_at), count(*) FROM book_snapshots").fetchone()
    except LakeUnavailable as _error:
        _why = (
            f"**Nothing to show.** {_error} The data directory is `ARB_DATA_DIR`, the profile `ARB_PROFILE`."
        )
        mo.stop(True, mo.md(_why))
    mo.md(
        f"{_books:,} books, the newest of {_newest:%Y-%m-%d %H:%M:%S} UTC."
        if _books
        else "The lake is empty. `arb up` fills it and goes on, `arb demo` fills it once."
    )
    return (answers,)


@app.cell
def drawing(cs, mo):
    def drawable(frame):
        """Rows for a picture: exact decimals as floats, times as ISO text that every browser reads as UTC."""
        return frame.with_columns(cs.decimal().cast(float), cs.datetime().dt.strftime("%Y-%m-%dT%H:%M:%SZ"))

    def shown(title, chart, frame, missing):
        """The picture under its title, or a sentence that says what is missing and how to get it."""
        return mo.vstack([mo.md(f"## {title}"), mo.md(missing) if frame.is_empty() else chart])

    return drawable, shown


@app.cell
def matched_books(alt, answers, drawable, mo, pl, shown):
    # The twenty pairs that disagree most, in Polymarket's terms: an inverted Kalshi book is turned round.
    _pairs = answers["09_widest_disagreement_now"].head(20)
    _title = pl.col("polymarket_title").alias("pair")
    books = pl.concat(
        _pairs.select(
            _title, "gross_edge", venue=pl.lit(venue), bid=pl.col(f"{venue}_bid"), ask=pl.col(f"{venue}_ask")
        )
        for venue in ("polymarket", "kalshi")
    )
    books_chart = (
        alt.Chart(drawable(books))
        .mark_bar(height=6)
        .encode(
            x=alt.X("bid:Q", title="best bid to best ask, dollars", scale=alt.Scale(zero=False)),
            x2="ask:Q",
            y=alt.Y("pair:N", title=None, sort=None, axis=alt.Axis(labelLimit=320)),
            yOffset="venue:N",
            color=alt.Color("venue:N", title=None),
            tooltip=["pair:N", "venue:N", "bid:Q", "ask:Q", "gross_edge:Q"],
        )
        .properties(width=520)
    )
    mo.vstack(
        [
            shown(
                "Matched pairs: the last trusted books side by side",
                books_chart,
                books,
                "No matched pair has a book on both venues yet. `arb up` streams, lists, matches and validates; `arb demo` does it once.",
            ),
            *([mo.ui.table(_pairs, selection=None, page_size=5)] if _pairs.height else []),
        ]
    )
    return books, books_chart


@app.cell
def spreads_by_hour(alt, answers, drawable, shown):
    spreads = answers["03_spread_by_hour"].unpivot(
        ["median_spread", "p95_spread"], index=["venue", "hour"], variable_name="figure", value_name="spread"
    )
    spreads_chart = (
        alt.Chart(drawable(spreads))
        .mark_line(point=True)
        .encode(
            x=alt.X("hour:Q", title="hour of the day, UTC", scale=alt.Scale(domain=[0, 23])),
            y=alt.Y("spread:Q", title="dollars"),
            color=alt.Color("venue:N", title=None),
            strokeDash=alt.StrokeDash("figure:N", title=None),
            tooltip=["venue:N", "hour:Q", "figure:N", "spread:Q"],
        )
        .properties(width=620, height=220)
    )
    shown(
        "Spread by hour",
        spreads_chart,
        spreads,
        "No trusted book yet. `arb up` or `arb stream VENUE` records them.",
    )
    return spreads, spreads_chart


@app.cell
def edges_over_time(alt, answers, drawable, pl, shown):
    # The ten pairs with the best edge of the newest day.
    _named = answers["15_edges_over_time"].with_columns(
        pair=pl.coalesce("title", pl.col("pair_hash").str.head(12))
    )
    _best = (
        _named.group_by("pair_hash")
        .agg(pl.col("best_net_edge").max())
        .drop_nulls()
        .top_k(10, by="best_net_edge")
    )
    edges = _named.join(_best.select("pair_hash"), on="pair_hash", how="semi")
    edges_chart = (
        alt.Chart(drawable(edges))
        .mark_line(point=True, interpolate="step-after")
        .encode(
            x=alt.X("since:T", title=None, scale=alt.Scale(type="utc")),
            y=alt.Y("best_net_edge:Q", title="dollars per contract after fees"),
            color=alt.Color(
                "pair:N", title=None, legend=alt.Legend(orient="bottom", columns=1, labelLimit=480)
            ),
            tooltip=["pair:N", "since:T", "best_net_edge:Q", "best_that_could_be_taken:Q", "edges:Q"],
        )
        .properties(width=620, height=240)
    )
    shown(
        "Edges over time",
        edges_chart,
        edges,
        "No edge was checked yet. `arb report opportunities` checks the books of matched pairs; under `arb up` that is done every quarter of an hour.",
    )
    return edges, edges_chart


@app.cell
def latency_by_stage(alt, answers, cs, drawable, pl, shown):
    # Each stage is a list of two figures, median and p95; below a microsecond a logarithm has no place.
    _stages = answers["10_latency_by_stage"].unpivot(
        cs.ends_with("_us"), index="venue", variable_name="stage", value_name="us"
    )
    latencies = pl.concat(
        _stages.select(
            "venue",
            pl.col("stage").str.strip_suffix("_us").str.replace_all("_", " "),
            figure=pl.lit(figure),
            ms=(pl.col("us").list.get(place, null_on_oob=True) / 1000).clip(lower_bound=0.001),
        )
        for place, figure in enumerate(("median", "p95"))
    ).drop_nulls()
    latency_chart = (
        alt.Chart(drawable(latencies))
        .mark_point(filled=True, size=80)
        .encode(
            x=alt.X("ms:Q", title="milliseconds, newest day", scale=alt.Scale(type="log")),
            y=alt.Y("stage:N", title=None, sort=None, axis=alt.Axis(labelLimit=240)),
            yOffset="venue:N",
            color=alt.Color("venue:N", title=None),
            shape=alt.Shape("figure:N", title=None),
            tooltip=["venue:N", "stage:N", "figure:N", "ms:Q"],
        )
        .properties(width=520)
    )
    shown(
        "Latency by stage",
        latency_chart,
        latencies,
        "No book has gone the whole way yet. `arb up` or `arb demo` streams some.",
    )
    return latencies, latency_chart


@app.cell
def llm_cost(alt, answers, drawable, pl, shown):
    costs = answers["16_llm_cost_by_hour"].with_columns(pl.col("cost_usd").fill_null(0))
    costs_chart = (
        alt.Chart(drawable(costs))
        .mark_bar()
        .encode(
            x=alt.X("hour:T", title=None, scale=alt.Scale(type="utc")),
            y=alt.Y("cost_usd:Q", title="known cost, USD an hour"),
            color=alt.Color("model:N", title=None),
            tooltip=[
                "hour:T",
                "provider:N",
                "model:N",
                "calls:Q",
                "failures:Q",
                "cost_usd:Q",
                "calls_of_unknown_cost:Q",
            ],
        )
        .properties(width=620, height=220)
    )
    shown(
        "What the language models cost",
        costs_chart,
        costs,
        "No model was called yet. `arb validate` asks about candidate pairs; `arb validate --dry-run` says the cost beforehand.",
    )
    return costs, costs_chart


if __name__ == "__main__":
    app.run()
