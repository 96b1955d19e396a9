"""The few kinds of pictures reports use, in Altair, drawn with the colours of a theme."""

from datetime import timedelta
from typing import Any, Final

import polars as pl

from arb_platform.reports.drawing import alt, vlc
from arb_platform.reports.report import LIGHT, Report, Theme

HEIGHT: Final = 240
PNG_WIDTH: Final = 720
_NARROW: Final = 480
_DAY_LABEL: Final = "%b %d"
# grid lines of a logarithmic axis: powers of ten only
_DECADES: Final = tuple(10.0**n for n in range(-3, 8))


def lines(
    frame: pl.DataFrame, theme: Theme, width: int, *, x: str, y: str, series: str, y_title: str,
    log: bool = False, rule: float | None = None, rule_label: str = "", step: timedelta | None = None,
) -> "alt.TopLevelMixin":  # fmt: skip
    """Lines of ``y`` over the time ``x``, one per value of ``series``; ``rule`` draws a limit."""
    if frame.is_empty():
        return nothing("nothing to draw in this period", theme, width)
    base = alt.Chart(_data(frame))
    scale = alt.Scale(type="log") if log else alt.Scale(zero=True)
    axis = alt.Axis(format=",~f", values=list(_DECADES)) if log else alt.Axis(format=",~f", tickCount=5)
    times = alt.Axis(format="%b %d %H:%M", tickCount=max(3, width // 130), labelOverlap=True)
    marks = base.mark_line(point=alt.OverlayMarkDef(size=24, filled=True), strokeWidth=1.8).encode(
        x=alt.X(f"{x}:T", title=None, scale=_time_scale(frame, x, step), axis=times),
        y=alt.Y(f"{y}:Q", title=y_title, scale=scale, axis=axis),
        color=_colour(frame, series, theme, width),
    )
    if rule is None:
        return dressed(marks, theme, width)
    limit = alt.Chart(alt.InlineData([{"limit": rule, "label": rule_label}])).encode(y=alt.Y("limit:Q"))
    drawn = limit.mark_rule(color=theme.bad, strokeDash=[5, 4])
    label = limit.mark_text(color=theme.bad, align="right", dy=-7, fontSize=11).encode(
        text="label:N", x=alt.value(width)
    )
    return dressed(alt.layer(marks, drawn, label), theme, width)


def bars(
    frame: pl.DataFrame, theme: Theme, width: int, *, y: str, series: str, y_title: str, days: pl.Series,
) -> "alt.TopLevelMixin":  # fmt: skip
    """Stacked bars of ``y`` by ``day``; a day of ``days`` without a bar keeps its place."""
    if frame.is_empty():
        return nothing("nothing to draw in this period", theme, width)
    named = frame.with_columns(pl.col("day").dt.strftime(_DAY_LABEL))
    order = days.unique().sort().dt.strftime(_DAY_LABEL).to_list()
    crowded = len(order) * 52 > width
    axis = alt.Axis(labelAngle=-45 if crowded else 0, labelOverlap=True, ticks=False)
    marks = alt.Chart(_data(named)).mark_bar(size=_bar_size(len(order), width))
    encoded = marks.encode(
        x=alt.X("day:O", title=None, axis=axis, scale=alt.Scale(domain=order)),
        y=alt.Y(f"{y}:Q", title=y_title, axis=alt.Axis(format=",~f", tickCount=5)),
        color=_colour(frame, series, theme, width),
    )
    return dressed(encoded, theme, width)


def nothing(sentence: str, theme: Theme, width: int) -> "alt.TopLevelMixin":
    """A picture that says in words why there is none."""
    words = alt.Chart(alt.InlineData([{"text": sentence}])).mark_text(color=theme.faint, fontSize=14)
    return dressed(words.encode(text="text:N"), theme, width, height=80)


def dressed(chart: Any, theme: Theme, width: int, *, height: int = HEIGHT) -> "alt.TopLevelMixin":
    """``chart`` in the colours of ``theme``; its background stays open where the theme names none."""
    axis = {
        "labelColor": theme.ink, "titleColor": theme.faint, "gridColor": theme.grid, "domainColor": theme.grid,
        "tickColor": theme.grid, "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal",
    }  # fmt: skip
    config = {
        "axis": axis,
        "legend": {
            "labelColor": theme.ink,
            "titleColor": theme.faint,
            "labelFontSize": 12,
            "symbolStrokeWidth": 2,
        },
        "view": {"stroke": None},
        "font": "system-ui, 'DejaVu Sans', sans-serif",
        "background": theme.background or "transparent",
    }
    sized: alt.TopLevelMixin = chart.properties(width=width, height=height, padding=8).configure(**config)
    return sized


def _colour(frame: pl.DataFrame, series: str, theme: Theme, width: int) -> "alt.Color":
    names = sorted(frame[series].unique())
    palette = [theme.palette[index % len(theme.palette)] for index in range(len(names))]
    columns = 2 if width < _NARROW else 4
    legend = alt.Legend(title=None, orient="bottom", columns=columns, labelLimit=220)
    return alt.Color(f"{series}:N", scale=alt.Scale(domain=names, range=palette), legend=legend)


def _time_scale(frame: pl.DataFrame, x: str, step: timedelta | None) -> "alt.Scale":
    """A single moment would be drawn on a scale without extent: give it one step on each side."""
    first, last = frame[x].min(), frame[x].max()
    if step is None or first != last:
        return alt.Scale(type="utc")
    domain = [_iso(first - step), _iso(last + step)]  # type: ignore[operator]
    return alt.Scale(type="utc", domain=domain)


def _data(frame: pl.DataFrame) -> "alt.InlineData":
    """Rows as JSON values: times as ISO text with Z, Decimals as floats (a picture is not a sum)."""
    exact = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Decimal)]
    times = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Datetime)]
    days = [name for name, kind in frame.schema.items() if kind == pl.Date]
    plain = frame.with_columns(
        *[pl.col(name).cast(pl.Float64) for name in exact],
        *[pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%SZ") for name in times],
        *[pl.col(name).dt.strftime("%Y-%m-%d") for name in days],
    )
    return alt.InlineData(plain.to_dicts())


def _iso(moment: Any) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _bar_size(bars_wanted: int, width: int) -> int:
    return max(3, min(46, int(width / max(bars_wanted, 1) * 0.6)))


def chart_png(frame: pl.DataFrame, report: Report, *, width: int = PNG_WIDTH, scale: float = 2) -> bytes:
    """The report's picture as PNG, drawn without a browser or network."""
    png: bytes = vlc.vegalite_to_png(_specification(frame, report, LIGHT, width), scale=scale)
    return png


def chart_svg(frame: pl.DataFrame, report: Report, theme: Theme, *, width: int) -> str:
    """The report's picture as SVG in the colours of ``theme``."""
    svg: str = vlc.vegalite_to_svg(_specification(frame, report, theme, width))
    return svg


def _specification(frame: pl.DataFrame, report: Report, theme: Theme, width: int) -> str:
    # alt.to_json validates against Altair's schema, so a broken chart fails here and not in a browser.
    specification: str = report.chart(frame, theme, width).to_json(indent=None)
    return specification
