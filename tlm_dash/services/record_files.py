"""A record as files: one HTML page with its charts inside, and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tlm_dash.charts.still_figures import differences, risk_curve
from tlm_dash.interchange.record_page import Figure, record_json, record_page
from tlm_dash.store.decisions import record_hash
from tlm_dash.words.numbers import bounds, percent, points

__all__ = ["as_html", "as_json", "file_stem"]


def as_html(record: Mapping[str, Any]) -> str:
    """Write a record as one HTML page that works offline and loads nothing."""
    return record_page(record, _figures(record), record_hash(record))


def as_json(record: Mapping[str, Any]) -> str:
    """Write a record as JSON."""
    return record_json(record)


def file_stem(record: Mapping[str, Any]) -> str:
    """Name a file of a record by kind and day, in plain letters: texts of people stay out of file names."""
    day = str(record["decided_at"] or record["made_at"])[:10]
    return f"{'decision' if record['decided_by'] else 'report'}-{record['kind']}-{day}"


def _figures(record: Mapping[str, Any]) -> list[Figure]:
    charts = record["charts"]
    figures = []
    if charts.get("curve"):
        told = (
            "Share of wrong answers among the accepted, by the share accepted: observed, and the band that "
            "holds at all thresholds at once."
        )
        svg = risk_curve(
            charts["curve"], max_risk=charts["max_risk"], chosen=charts["coverage"],
            told=f"{told}{_curve_words(charts)}",
        )  # fmt: skip
        figures.append(Figure(svg, told))
    if charts.get("differences"):
        told = "Differences to the baseline with their intervals; where one crosses zero, none is shown."
        said = "; ".join(_difference_words(row) for row in charts["differences"])
        figures.append(Figure(differences(charts["differences"], told=f"{told} In points: {said}."), told))
    return figures


def _curve_words(charts: Mapping[str, Any]) -> str:
    """Say what the curve shows at its ends and in the middle, and where its lines stand."""
    drawn = [point for point in charts["curve"] if point["risk_high"] is not None]
    if not drawn:
        return ""
    said = [
        f"{percent(point['coverage'])} accepted, {percent(point['risk'])} wrong "
        f"({bounds(point['risk_low'], point['risk_high'])})"
        for point in (drawn[0], drawn[len(drawn) // 2], drawn[-1])
    ]
    said += [] if charts["max_risk"] is None else [f"target {percent(charts['max_risk'])}"]
    said += [] if charts["coverage"] is None else [f"at the threshold {percent(charts['coverage'])} accepted"]
    return f" {'; '.join(said)}."


def _difference_words(row: Mapping[str, Any]) -> str:
    if row["value"] is None:
        return f"{row['name']}: not available"
    if row["low"] is None or row["high"] is None:
        return f"{row['name']}: {points(row['value'])}, no interval"
    return f"{row['name']}: {points(row['value'])} ({points(row['low'])} to {points(row['high'])})"
