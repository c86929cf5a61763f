"""The reports as an Atom feed: a reader sees one again when its data is newer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from trainer.reports.index import describe_checks, describe_cost, main_page, writing_cost
from trainer.reports.provenance import Provenance

GENERATOR = "<generator>trainer</generator>"
"""Stands in every feed of ours and tells it from a file that somebody else put there."""

_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def feed_xml(reports: Sequence[Provenance], *, title: str, url: str) -> str | None:
    """The feed, newest data first, then by name; None where no report has data with a date, so nothing is dated.

    `url` is where the output folder is published; with the report's name it is the entry's lasting id.
    A report without dated data is left out: a feed has a date for every entry, and the clock is never asked.
    """
    base = url.rstrip("/") + "/"
    dated = sorted(((report.date, report) for report in reports if report.date), key=lambda pair: pair[1].report)
    dated.sort(key=lambda pair: pair[0], reverse=True)
    if not dated:
        return None
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        '<feed xmlns="http://www.w3.org/2005/Atom">',
        f"<id>{_xml(base)}</id>",
        f"<title>{_xml(title)}</title>",
        f"<updated>{_moment(dated[0][0])}</updated>",
        f"<author><name>{_xml(title)}</name></author>",
        GENERATOR,
        f'<link rel="self" type="application/atom+xml" href="{_xml(base)}feed.xml"/>',
        f'<link rel="alternate" type="text/html" href="{_xml(base)}index.html"/>',
        *(_entry(report, date, base=base) for date, report in dated),
        "</feed>",
        "",
    ]
    return "\n".join(lines)


def _entry(report: Provenance, date: str, *, base: str) -> str:
    page = main_page(report)
    kind = "text/html" if page.endswith(".html") else "text/markdown"
    cost = describe_cost(writing_cost(report))
    summary = f"Data as of {date}. Checks: {describe_checks(report)}. Cost: {cost}."
    lines = [
        "<entry>",
        f"<id>{_xml(base)}#{_xml(report.report)}</id>",
        f"<title>{_xml(report.title)}</title>",
        f"<updated>{_moment(date)}</updated>",
        f'<link rel="alternate" type="{kind}" href="{_xml(base + page)}"/>',
        f"<summary>{_xml(summary)}</summary>",
        "</entry>",
    ]
    return "\n".join(lines)


def _moment(date: str) -> str:
    return f"{date[:10]}T00:00:00Z"


def _xml(text: str) -> str:
    return escape(_FORBIDDEN.sub(" ", text))
