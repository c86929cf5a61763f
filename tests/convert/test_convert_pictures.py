"""Captioned pictures are figures in every format, and SVG pictures are harmless."""

from __future__ import annotations

import base64
import io
import re
import socket
import zipfile

import pypdfium2
import pytest

from corpus.convert.structure import SVG, png
from corpus.convert.written import to_docx, to_html, to_latex, to_pdf
from trainer.convert.svgs import UnsafeSvg, clean_svg

DOCUMENT = """# T

![A blue field](p.png "Sales & costs")

```chart
type: bar
title: By year
columns: [year, sales]
rows: [["2023", 1], ["2024", 2]]
```

- in a list

  ![Another](p.png "The last")

Within ![words](p.png "no caption") it stays small.
"""
FRAME = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{}</svg>'


def test_a_titled_picture_alone_in_its_paragraph_is_a_numbered_figure(tmp_path):
    (tmp_path / "p.png").write_bytes(png(4, 3))
    page = to_html(DOCUMENT, assets=tmp_path).content

    assert re.findall(r'<figure class="(\w+)[^"]*" id="([\w-]+)">\n<figcaption><b>(.*?)</b> (.*?)<', page) == [
        ("picture", "figure-1", "Figure 1.", "Sales &amp; costs"),
        ("chart", "figure-2", "Figure 2.", "By year"),
        ("picture", "figure-3", "Figure 3.", "The last"),
    ]
    assert 'alt="A blue field">\n</figure>' in page
    assert 'alt="words" title="no caption">' in page


def test_figures_have_the_same_numbers_in_all_formats(tmp_path, pool):
    (tmp_path / "p.png").write_bytes(png(4, 3))
    pdf = pypdfium2.PdfDocument(to_pdf(DOCUMENT, pool=pool, assets=tmp_path).content)
    printed = "".join(page.get_textpage().get_text_range() for page in pdf)
    word = zipfile.ZipFile(io.BytesIO(to_docx(DOCUMENT, assets=tmp_path).content)).read("word/document.xml").decode()
    tex = to_latex(DOCUMENT, assets=tmp_path).content

    for text in (printed, re.sub(r"<[^>]+>", "", word), re.sub(r"\\textbf\{(Figure \d\.)\}", r"\1", tex)):
        assert re.findall(r"Figure \d\. \w+", text) == ["Figure 1. Sales", "Figure 2. By", "Figure 3. The"]
    assert tex.count("\\projectpicture{p.png}") == 3
    assert word.count("<pic:pic>") == 3 + 1  # the chart is a picture too


def test_an_svg_is_drawn_in_html_and_pdf_and_described_in_word_and_latex(tmp_path, pool):
    (tmp_path / "d.svg").write_text(SVG, "utf-8")
    text = '# T\n\n![A drawing](d.svg "Drawn")\n'
    made = to_pdf(text, pool=pool, assets=tmp_path)
    page = to_html(text, assets=tmp_path)

    assert '<img src="data:image/svg+xml;base64,' in page.content
    assert (page.findings, made.findings) == ((), ())
    assert "Drawing" in pypdfium2.PdfDocument(made.content)[0].get_textpage().get_text_range()
    for other in (to_docx(text, assets=tmp_path, shown="a.md"), to_latex(text, assets=tmp_path, shown="a.md")):
        (finding,) = other.findings

        assert (finding.kind, str(finding.where)) == ("missing_image", "a.md:3")
        assert "image/svg+xml" in finding.message


@pytest.mark.parametrize(
    ("inside", "dropped"),
    [
        ("<script>alert(1)</script>", "script"),
        ('<rect onclick="alert(1)"/>', "onclick"),
        ("<foreignObject><p>x</p></foreignObject>", "foreignObject"),
        ('<a href="javascript:alert(1)"><rect/></a>', ""),
        ('<image xlink:href="http://127.0.0.1:9/x.png"/>', "href that leads outside"),
        ('<image href="data:image/svg+xml;base64,AAAA"/>', "href that leads outside"),
        ('<use href="other.svg#a"/>', "href that leads outside"),
        ('<rect style="fill: url(http://127.0.0.1:9/#a)"/>', "style that leads outside"),
        ('<rect fill="URL( //127.0.0.1:9/#a )"/>', "fill that leads outside"),
        ("<style>@import 'http://127.0.0.1:9/x';</style>", "style that loads"),
        (r"<style>@\69mport 'http://127.0.0.1:9/x';</style>", "style that loads"),
        ('<set attributeName="href" to="javascript:alert(1)"/>', "set"),
        ('<animate attributeName="href" values="javascript:alert(1)"/>', "animate"),
    ],
)
def test_what_runs_or_leads_outside_is_dropped_from_an_svg(inside, dropped):
    content, told = clean_svg(FRAME.format(inside).encode())

    assert ", ".join(told) == dropped
    assert re.search(rb"script|on\w+=|foreign|127\.0|import|other|<set|<animate|<a |svg\+xml", content) is None


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'<!DOCTYPE svg [<!ENTITY a "b">]>' + FRAME.format("&a;").encode(), "declares entities"),
        (FRAME.format("").encode("utf-16"), "not written in UTF-8"),
        (b"<svg>", "not well-formed"),
        (b"<html/>", "no SVG picture"),
        (FRAME.format("<g>" * 200 + "</g>" * 200).encode(), "nested more than 100 deep"),
        (FRAME.format('<g id="a"><use href="#a"/></g>').encode(), "without end"),
        (
            FRAME.format(
                "".join(f'<g id="a{at}">' + f'<use href="#a{at + 1}"/>' * 10 + "</g>" for at in range(9))
            ).encode(),
            "more than 100,000 parts",
        ),
    ],
)
def test_an_svg_that_is_a_trap_is_refused(content, why):
    with pytest.raises(UnsafeSvg, match=why):
        clean_svg(content)


def test_a_harmless_svg_keeps_its_drawing():
    inside = (
        '<defs><linearGradient id="g"><stop offset="0" stop-color="red" /></linearGradient></defs>'
        '<style>.a { fill: url(#g) }</style><path class="a" d="M0 0h9" /><use xlink:href="#g" />'
    )

    assert clean_svg(FRAME.format(inside).encode()) == (FRAME.format(inside).encode(), ())


def test_a_hostile_svg_opens_no_socket_in_a_pdf_and_is_told(tmp_path, pool):
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.2)
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/x"
    hostile = FRAME.format(
        f"<script href='{address}'/><style>@import '{address}'; * {{ fill: url({address}) }}</style>"
        f"<image href='{address}'/><use href='{address}#a'/><text fill='url({address})'>kept</text>"
    )
    (tmp_path / "d.svg").write_text(hostile, "utf-8")
    made = to_pdf("# T\n\n![x](d.svg)\n", pool=pool, assets=tmp_path)
    with pytest.raises(TimeoutError):
        listener.accept()
    page = to_html("# T\n\n![x](d.svg)\n", assets=tmp_path).content
    (drawn,) = re.findall(r"base64,([\w+/=]+)", page)

    assert {finding.kind for finding in made.findings} == {"unsafe_image"}
    assert address.encode() not in base64.b64decode(drawn)
