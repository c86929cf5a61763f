"""The index and the feed over all reports, as values and as files of a project."""

import base64
import hashlib
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from trainer.actions.site import write_site
from trainer.core.project import open_project
from trainer.core.values import DataBlock
from trainer.reports import INDEX_TEMPLATE, Provenance, Written, feed_xml, index_markdown

ATOM = "{http://www.w3.org/2005/Atom}"
URL = "https://example.org/reports"


def provenance(name: str = "alpha", **changes: Any) -> Provenance:
    facts: dict[str, Any] = {
        "report": name,
        "title": name.title(),
        "date": "2025-02-21",
        "ingredients": {},
        "params": {},
        "data": (),
        "prompt": {},
        "completion": {"provider": "openai", "model": "gpt-4o", "cost": 0.0123},
        "findings": (),
        "scores": {"quality": 1.0},
        "outputs": (Written(f"output/report/{name}.md", "0"), Written(f"output/html/{name}.html", "0")),
    }
    return Provenance(**{**facts, **changes})


def block(as_of: str | None) -> DataBlock:
    return DataBlock(name="d", key="k", version=1, source="file", retrieved_at=None, data={}, digest="0", as_of=as_of)


def row(report: Provenance) -> list[str]:
    line = next(line for line in index_markdown([report], title="T").splitlines() if line.startswith("| ["))
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def entries(feed: str | None) -> list[dict[str, str]]:
    assert feed is not None
    found = ElementTree.fromstring(feed.encode()).findall(f"{ATOM}entry")
    return [{part.tag.removeprefix(ATOM): part.text or part.get("href", "") for part in entry} for entry in found]


def site(folder: Path, **settings: str) -> bool:
    overrides = [f"site.{key}={value}" for key, value in settings.items()]
    return write_site(open_project(folder, environ={}, overrides=overrides))


def test_a_row_tells_title_date_writer_checks_cost_and_files() -> None:
    assert row(provenance()) == [
        "[Alpha](html/alpha.html)",
        "2025-02-21",
        "gpt-4o",
        "all well, quality 1.00",
        "$0.0123",
        "[Markdown](report/alpha.md), [HTML](html/alpha.html), [provenance](json/alpha.json)",
    ]


def test_a_report_without_html_links_its_markdown() -> None:
    assert row(provenance(outputs=(Written("output/report/alpha.md", "0"),)))[0] == "[Alpha](report/alpha.md)"


def test_the_oldest_data_is_told_where_it_is_older() -> None:
    report = provenance(data=(block("2024-12-31"), block(None), block("2025-02-21")))

    assert row(report)[1] == "2024-12-31 to 2025-02-21"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"scores": {}}, "not checked"),
        ({"findings": ({"severity": "note"},)}, "all well, quality 1.00"),
        ({"findings": ({"severity": "error"}, {"severity": "warning"})}, "2 to look at, quality 1.00"),
        ({"findings": ({"severity": "error"},), "scores": {}}, "1 to look at"),
    ],
)
def test_the_checks_of_a_report_in_words(changes: dict[str, Any], said: str) -> None:
    assert row(provenance(**changes))[3] == said


def test_a_report_without_data_and_price_says_so() -> None:
    reports = [provenance(date=None, completion={"cost": cost}) for cost in (None, "much", 0, 0.0)]

    cells = [(row(report)[1], row(report)[4]) for report in reports]

    assert cells == [("no data", "unknown"), ("no data", "unknown"), ("no data", "$0"), ("no data", "$0")]


def test_the_summary_counts_reports_faults_and_cost() -> None:
    reports = [
        provenance("a"),
        provenance("b", findings=({"severity": "error"},)),
        provenance("c", completion={"cost": None}),
    ]

    text = index_markdown(reports, title="T")

    assert "3 reports, 1 to look at; cost of writing: $0.0246 and what is unknown.\n" in text


@pytest.mark.parametrize(
    "title", ["a | b", "[x](javascript:alert(1))", "<b>&amp;</b>", "*x* `y` $z$ ~~w~~", "two\nlines"]
)
def test_a_title_stands_in_the_index_as_it_is(title: str) -> None:
    from corpus.convert.written import to_html

    page = to_html(index_markdown([provenance(title=title)], title=title)).content

    shown = [
        " ".join(part.split()) for part in re.findall(r'<th scope="row"><a href="html/alpha.html">(.*?)</a>', page)
    ]
    assert [_plain(part) for part in shown] == [" ".join(title.split())]
    assert _plain(re.findall(r"<h1>(.*?)</h1>", page)[0]) == " ".join(title.split())


def _plain(html: str) -> str:
    import html as entities

    assert "<" not in html
    return entities.unescape(html)


def test_the_feed_is_sorted_by_date_and_then_by_name_with_lasting_ids() -> None:
    reports = [
        provenance("c"),
        provenance("a"),
        provenance("old", date="2024-01-01"),
        provenance("b", date="2025-03-01"),
    ]

    found = entries(feed_xml(reports, title="T", url=URL))

    assert [entry["id"] for entry in found] == [f"{URL}/#{name}" for name in ("b", "a", "c", "old")]
    assert [entry["updated"] for entry in found][0::3] == ["2025-03-01T00:00:00Z", "2024-01-01T00:00:00Z"]
    assert found[1]["link"] == f"{URL}/html/a.html"
    assert found[1]["summary"] == "Data as of 2025-02-21. Checks: all well, quality 1.00. Cost: $0.0123."


def test_the_feed_is_the_same_in_any_order_and_with_or_without_a_last_slash() -> None:
    reports = [provenance("a"), provenance("b", date="2024-01-01"), provenance("c")]

    assert feed_xml(reports, title="T", url=URL) == feed_xml(reports[::-1], title="T", url=URL + "/")


def test_an_entry_keeps_its_id_when_its_formats_change() -> None:
    plain = provenance(outputs=(Written("output/report/alpha.md", "0"),))

    before, after = (entries(feed_xml([each], title="T", url=URL))[0] for each in (provenance(), plain))

    assert before["id"] == after["id"]
    assert (before["link"], after["link"]) == (f"{URL}/html/alpha.html", f"{URL}/report/alpha.md")


def test_whatever_a_title_holds_the_feed_is_xml() -> None:
    title = 'a < b & "c" ]]> \x00\x0b\x1f\ufffe é 😀'

    found = entries(feed_xml([provenance(title=title)], title=title, url=URL + "?a=1&b=<2>"))

    assert found[0]["title"] == 'a < b & "c" ]]>      é 😀'


def test_a_report_without_dated_data_is_not_in_the_feed() -> None:
    reports = [provenance("a", date=None), provenance("b")]

    assert [entry["title"] for entry in entries(feed_xml(reports, title="T", url=URL))] == ["B"]
    assert feed_xml(reports[:1], title="T", url=URL) is None


def test_the_one_script_of_the_index_is_the_one_its_policy_allows(example: Path) -> None:
    site(example)

    page = (example / "output/index.html").read_text()

    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert re.findall(r"script-src ([^;]*);", page) == [f"'sha256-{digest}'" for digest in digests]
    assert re.findall(r"<script[^>]*>", page) == ['<script type="application/json" id="texts">', "<script>"]
    assert '<form class="search" role="search" hidden>' in page


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_the_search_leaves_the_reports_whose_title_or_text_holds_every_word(example: Path) -> None:
    site(example)
    page = example / "output/index.html"
    page.write_text(page.read_text().replace('id="search"', 'id="search" value="ÓVERVIEW  skyrizi"'))

    drawn = subprocess.run(
        ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout

    rows = re.findall(r'<tr( hidden="")?>\s*<th scope="row"><a href="html/([^"]*).html">', drawn)
    assert {name: bool(hidden) for hidden, name in rows} == {
        "abbvie": False,
        "butterfly": True,
        "metrics-table": True,
        "peer-comparison": True,
    }
    assert '<form class="search" role="search">' in drawn


def test_the_site_is_written_once_with_relative_links_and_is_ready_for_pages(example: Path, tree: Callable) -> None:
    site(example, url=URL)
    before = tree(example / "output")

    assert site(example, url=URL) is False
    assert tree(example / "output") == before
    assert before[".nojekyll"] == b""
    links = re.findall(r'(?:href|src)="([^"]*)"', before["index.html"].decode())
    assert "feed.xml" in links
    assert [link for link in links if ":" in link or link.startswith("/")] == []
    assert [link for link in links if not link.startswith("#") and link not in before] == []


def test_without_its_memory_the_site_has_the_same_bytes(example: Path, tree: Callable) -> None:
    site(example, url=URL)
    before = tree(example / "output")
    shutil.rmtree(example / ".trainer")
    (example / "output/index.html").unlink()

    assert site(example, url=URL) is True
    assert tree(example / "output") == before


def test_an_index_edited_by_hand_is_written_again(example: Path) -> None:
    site(example)
    page = example / "output/index.html"
    before = page.read_text()
    page.write_text(before + "<!-- mine -->")

    assert site(example) is True
    assert page.read_text() == before


def test_without_a_url_there_is_no_feed_and_an_old_one_of_ours_goes(example: Path) -> None:
    feed = example / "output/feed.xml"
    site(example, url=URL)
    assert feed.exists()

    assert site(example) is True

    assert not feed.exists()
    assert "feed.xml" not in (example / "output/index.html").read_text()


def test_a_feed_that_is_not_ours_stays(example: Path) -> None:
    feed = example / "output/feed.xml"
    feed.write_text("<rss/>")

    site(example)

    assert feed.read_text() == "<rss/>"


def test_a_project_draws_the_index_by_a_template_of_its_own(example: Path) -> None:
    templates = example / "information/templates"
    templates.mkdir()
    (templates / "report.html").write_text("<title>{{ title }}</title>report{{ body }}")
    site(example)
    assert (example / "output/index.html").read_text().startswith("<title>Biotech company overviews</title>report")

    (templates / "index.html").write_text("<title>{{ title }}</title>index{{ body }}")
    site(example)

    assert (example / "output/index.html").read_text().startswith("<title>Biotech company overviews</title>index")


def test_a_url_that_is_none_is_refused_with_its_place(blank: Path, run) -> None:
    config = blank / "config.yaml"
    config.write_text(config.read_text() + "\nsite: {url: example.org/reports}\n")

    done = run(blank, "config", "check")

    assert done.returncode == 2
    assert re.match(r"error: config.yaml:\d+:\d+: site.url: ", done.stderr)


def test_the_template_of_the_index_needs_only_what_a_page_is_given() -> None:
    from trainer.convert import check_template

    check_template(INDEX_TEMPLATE.read_text(), shown="index.html")
