"""A report's Markdown: front matter that reads back, one title, the text as it was."""

import html
import re
from datetime import UTC, datetime

import pytest

from corpus.convert.written import to_html
from trainer.core.frontmatter import split_front_matter
from trainer.core.values import DataBlock
from trainer.reports import compose, report_date


def block(as_of: str | None = None, retrieved_at: datetime | None = None) -> DataBlock:
    return DataBlock(
        name="d", key="k", version=1, source="file", retrieved_at=retrieved_at, data={}, digest="0", as_of=as_of
    )


def body(text: str, title: str = "Alpha") -> str:
    composed = compose(text, title=title, date=None, meta={})
    return composed.partition(f"---\n\n# {title}\n\n")[2]


def test_the_date_is_the_newest_the_data_is_valid_for_or_else_was_fetched_on() -> None:
    fetched = datetime(2025, 3, 1, 23, 59, tzinfo=UTC)

    assert report_date([block("2025-02-21"), block("2024-12-31"), block()]) == "2025-02-21"
    assert report_date([block("2025-02-21", fetched)]) == "2025-02-21"
    assert report_date([block("2025-02-21"), block(None, fetched)]) == "2025-03-01"
    assert report_date([block()]) is None
    assert report_date([]) is None


def test_the_whole_of_a_report() -> None:
    text = compose(
        "# Alpha\n\n## Summary\n\nWords.\n\n\n",
        title="Alpha",
        date="2025-02-21",
        meta={"language": "en", "model": "m"},
        appendix="\n\n## Sources\n\nA.\n",
    )

    assert text == (
        '---\ntitle: "Alpha"\ndate: 2025-02-21\nlanguage: "en"\nmodel: "m"\n---\n\n'
        "# Alpha\n\n## Summary\n\nWords.\n\n## Sources\n\nA.\n"
    )


def test_without_a_date_there_is_none_in_the_front_matter() -> None:
    assert compose("x", title="A", date=None, meta={}) == '---\ntitle: "A"\n---\n\n# A\n\nx\n'


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("# Alpha\n\nWords.", "Words.\n"),
        ("# Another title\n\nWords.", "Words.\n"),
        ("\n\n   # alpha ##\nWords.", "Words.\n"),
        ("## Section\n\n# Alpha\n", "## Section\n\n# Alpha\n"),
        ("Words.\n\n# Alpha\n", "Words.\n\n# Alpha\n"),
        ("#hashtag words", "#hashtag words\n"),
        ("```python\n# Alpha\n```", "```python\n# Alpha\n```\n"),
        ("~~~\n# Alpha\n~~~", "~~~\n# Alpha\n~~~\n"),
        ("    # Alpha in code", "    # Alpha in code\n"),
        ("", "\n"),
    ],
)
def test_a_title_of_the_completion_gives_way_to_the_reports_own(text: str, left: str) -> None:
    assert body(text) == left


TITLES = [
    'He said "no"',
    "back\\slash",
    "a: b # c",
    "- dash",
    "2025-02-21",
    "true",
    "{x} [y] & <z>",
    "é 😀 ￿",
    "*a* `b`",
    "snake_case_name",
    "[link](x)",
    "$1 and $2",
    "C#",
    "1. One",
    "$x$ ~~y~~ a_b_ _c_",
    "R&D &amp; more",
    "a | b",
]


@pytest.mark.parametrize("title", [*TITLES, "two\nlines", "tab\tbed"])
def test_whatever_a_title_holds_the_front_matter_says_it(title: str) -> None:
    meta = split_front_matter(compose("Words.", title=title, date=None, meta={"model": title})).meta

    shown = " ".join(title.split())
    assert [str(meta["title"]), str(meta["model"])] == [shown, shown]


@pytest.mark.parametrize("title", [*TITLES, "two\nlines"])
def test_whatever_a_title_holds_the_page_shows_it_once(title: str) -> None:
    page = to_html(compose("Words.", title=title, date=None, meta={})).content

    heading = re.findall(r"<h1>(.*?)</h1>", page)
    assert [html.unescape(words) for words in heading] == [" ".join(title.split())]
    assert "<article>\n<p>Words.</p>\n</article>" in page
