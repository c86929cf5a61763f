"""HTML pages: one file, no script, and everything a report needs."""

from __future__ import annotations

import re

from corpus.convert.written import to_html

QUARTERS = {
    "q": {
        "quarterly": [
            {"date": "2024-09-30", "totalRevenue": 14.46e9, "netIncome": 1.56e9},
            {"date": "2024-12-31", "totalRevenue": 15.102e9, "netIncome": -0.022e9},
        ]
    }
}
CHART = (
    "```chart\ntype: bar\ntitle: Revenue\ndata: q.quarterly\nx: date\ny: [totalRevenue, netIncome]\nunit: USD\n```\n"
)


def body(markdown: str, **options: object) -> str:
    return to_html(markdown, fragment=True, **options).content  # type: ignore[arg-type]


def test_the_first_heading_becomes_the_title_block():
    page = to_html("---\ndate: 2025-02-14\nsubtitle: Risks\n---\n# Acme\n\nText.\n")

    assert page.title == "Acme"
    assert page.content.count("<h1>Acme</h1>") == 1
    assert '<p class="subtitle">Risks</p>' in page.content
    assert '<p class="byline"><span><time datetime="2025-02-14">14 February 2025</time></span></p>' in page.content


def test_a_table_takes_the_caption_paragraph_above_it_and_a_number():
    html = body("Table: Sales, in *dollars*\n\n| Year | Sales |\n|---|---|\n| 2024 | 1,200 |\n")

    assert "<caption><b>Table 1.</b> Sales, in <em>dollars</em></caption>" in html
    assert "Table: " not in html


def test_columns_of_figures_are_marked_and_first_cells_are_row_headers():
    html = body("| Name | Sales | Note |\n|---|---|---|\n| Acme | $1.2bn | good |\n| Beta | n/a | bad |\n")

    assert '<th scope="col" class="num">Sales</th>' in html
    assert '<td class="num">n/a</td>' in html
    assert '<th scope="row">Beta</th>' in html
    assert "<td>bad</td>" in html


def test_headings_have_anchors_that_do_not_collide():
    html = body("# T\n\n## Risk & Return\n\n## Risk & return\n\n## Table 1\n")

    assert re.findall(r'<h2 id="([^"]+)"', html) == ["risk-return", "risk-return-s2", "table-1-s2"]


def test_contents_list_the_second_and_third_level():
    page = to_html("# T\n\n## A\n\n### B\n\n#### C\n\n## D\n\n## E\n").content

    assert re.findall(r'<li class="level-(\d)"><a href="#(\w)"', page) == [
        ("2", "a"),
        ("3", "b"),
        ("2", "d"),
        ("2", "e"),
    ]


def test_a_chart_is_drawn_with_title_description_and_the_figures_behind_it():
    html = body(CHART, data=QUARTERS)

    assert '<title id="figure-1-t">Revenue</title>' in html
    assert (
        "totalRevenue: $14.46bn (Sep 2024) to $15.10bn (Dec 2024); "
        "lowest $14.46bn (Sep 2024), highest $15.10bn (Dec 2024)." in html
    )
    assert '<tr><th scope="row">2024-12-31</th><td class="num">$15.10bn</td><td class="num">−$22.00m</td></tr>' in html


def test_a_chart_that_cannot_be_drawn_is_a_finding_and_shows_its_source():
    found = to_html(
        "# T\n\n" + CHART.replace("totalRevenue", "totalRevenu"), data=QUARTERS, fragment=True, shown="a.md"
    )

    (finding,) = found.findings
    assert (finding.kind, str(finding.where), finding.hint) == ("chart", "a.md:3", 'did you mean "totalRevenue"?')
    assert "type: bar" in found.content


def test_raw_html_is_text_but_a_line_break_breaks_the_line():
    html = body("a<br>b <b onclick=x>c</b> <!-- gone -->\n\n<script>alert(1)</script>\n")

    assert html == ("<p>a<br>b &lt;b onclick=x&gt;c&lt;/b&gt; </p>\n<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n")


def test_marks_that_are_written_as_tags_are_marks():
    html = body('10<sup>6</sup> t of CO<sub>2</sub>, <b>all <font color="red">of</font> it</b>\n')

    assert html == "<p>10<sup>6</sup> t of CO<sub>2</sub>, <b>all <span>of</span> it</b></p>\n"


def test_money_is_not_mathematics():
    assert body("Between $5 and $6, and $x^2$.") == (
        '<p>Between $5 and $6, and <math alttext="x^2"><msup><mi>x</mi><mn>2</mn></msup></math>.</p>\n'
    )


def test_the_page_forbids_scripts_and_requests():
    page = to_html("# T\n").content

    assert "default-src 'none'" in page
    assert "<script" not in page
    assert "http://" not in page


def test_a_picture_outside_the_project_is_left_out_and_told(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "x.png").write_bytes(b"\x89PNG")
    found = to_html("![Secret](../x.png)", assets=tmp_path / "in", fragment=True)

    assert found.content == '<p><span class="missing" role="img" aria-label="Secret">[Secret]</span></p>\n'
    assert found.findings[0].message == "picture left out: it lies outside the project"
