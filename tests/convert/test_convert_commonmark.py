"""The one configuration of the parser against CommonMark's own examples, and against GFM's rules."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from markdown_it.renderer import RendererHTML

from corpus.convert.written import to_html
from trainer.convert.writers.body import BodyRenderer
from trainer.core.markdown import markdown_parser

CORPUS = Path(__file__).parents[1] / "corpus/convert"
EXAMPLES = json.loads((CORPUS / "commonmark/examples.json").read_text(encoding="utf-8"))
EXTENSIONS = json.loads((CORPUS / "gfm/examples.json").read_text(encoding="utf-8"))
EAST_ASIAN = json.loads((CORPUS / "cjk/examples.json").read_text(encoding="utf-8"))


class RawRenderer(BodyRenderer):
    """Passes raw HTML on and leaves code uncoloured, as CommonMark does and the product does not."""

    fence = RendererHTML.fence

    def html_block(self, tokens: Any, idx: int, options: Any, env: Any) -> str:
        return tokens[idx].content

    def html_inline(self, tokens: Any, idx: int, options: Any, env: Any) -> str:
        return tokens[idx].content


def normal(html: str) -> str:
    """Without what tells examples of a specification from pages: line ends, slashes and stops of the keyboard."""
    return re.sub(r"\s*/?>", ">", html.replace(' tabindex="0"', "")).replace("\n", "")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example["example"]))
def test_an_example_of_commonmark(example):
    parser = markdown_parser()

    found = RawRenderer().render(parser.parse(example["markdown"]), parser.options, {})
    assert normal(found) == normal(example["html"])


@pytest.mark.parametrize("example", EXTENSIONS, ids=lambda example: str(example["example"]))
def test_an_example_of_an_extension_of_gfm(example):
    parser = markdown_parser()

    found = RawRenderer().render(parser.parse(example["markdown"]), parser.options, {})
    assert (in_form(found) == in_form(example["html"])) is ("Disallowed" not in example["section"])


def in_form(html: str) -> str:
    """The HTML with alignments as the specification writes them, a checkbox's attributes in order and no classes."""
    aligned = re.sub(r' style="text-align:(\w+)"', r' align="\1"', html)
    bare = re.sub(r' class="(?:contains-task-list|task-list-item|task-list-item-checkbox)"', "", aligned)
    ordered = re.sub(r"<input (.*?) ?/?>", lambda tag: f"<input {' '.join(sorted(tag[1].split()))}>", bare)
    return normal(ordered)


def test_the_tags_that_gfm_filters_are_text_as_is_all_raw_html():
    html = to_html(EXTENSIONS[-1]["markdown"], fragment=True).content

    assert re.findall(r"<(?!/?p>)[^>]*>", html) == []


@pytest.mark.parametrize("example", EAST_ASIAN, ids=range(len(EAST_ASIAN)))
def test_emphasis_beside_east_asian_letters(example):
    parser = markdown_parser()

    assert RawRenderer().render(parser.parse(example["markdown"]), parser.options, {}) == example["html"]


GFM = [
    ("www.wikipedia.org", '<p><a href="http://www.wikipedia.org">www.wikipedia.org</a></p>'),
    ("See www.wikipedia.org/help.", '<p>See <a href="http://www.wikipedia.org/help">www.wikipedia.org/help</a>.</p>'),
    (
        "https://de.wikipedia.org/wiki/Bar_(Begriff)",
        '<p><a href="https://de.wikipedia.org/wiki/Bar_(Begriff)">https://de.wikipedia.org/wiki/Bar_(Begriff)</a></p>',
    ),
    ("(www.gnu.org/a)", '<p>(<a href="http://www.gnu.org/a">www.gnu.org/a</a>)</p>'),
    ("www.gnu.org/q=a&hl=en", '<p><a href="http://www.gnu.org/q=a&amp;hl=en">www.gnu.org/q=a&amp;hl=en</a></p>'),
    ("www.gnu.org/q=a&hl;", '<p><a href="http://www.gnu.org/q=a">www.gnu.org/q=a</a>&amp;hl;</p>'),
    ("www.gnu.org/he<lp", '<p><a href="http://www.gnu.org/he">www.gnu.org/he</a>&lt;lp</p>'),
    ("ann@post.org", '<p><a href="mailto:ann@post.org">ann@post.org</a></p>'),
    ("ann@post+x.org is none", "<p>ann@post+x.org is none</p>"),
    ("a.b-c_d@a.b.", '<p><a href="mailto:a.b-c_d@a.b">a.b-c_d@a.b</a>.</p>'),
    ("a.b-c_d@a.b_", "<p>a.b-c_d@a.b_</p>"),
    ("mailto:ann@post.org", '<p><a href="mailto:ann@post.org">mailto:ann@post.org</a></p>'),
    ("xmpp:ann@post.org/txt", '<p><a href="xmpp:ann@post.org/txt">xmpp:ann@post.org/txt</a></p>'),
    ("~~Hi~~ there", "<p><del>Hi</del> there</p>"),
    ("~Hi~ ~~~no~~~", "<p><del>Hi</del> ~~~no~~~</p>"),
    ("This ~~has a\n\nnew paragraph~~.", "<p>This ~~has a</p><p>new paragraph~~.</p>"),
    (
        "- [ ] foo\n- [x] bar",
        '<ul class="contains-task-list"><li class="task-list-item"><input class="task-list-item-checkbox" disabled="" '
        'type="checkbox"> foo</li><li class="task-list-item"><input class="task-list-item-checkbox" disabled="" '
        'type="checkbox" checked=""> bar</li></ul>',
    ),
    ("a | b\n--- | ---", "<table><thead><tr><th>a</th><th>b</th></tr></thead></table>"),
    ("| a |\n| --- |\n| x \\| y |",
     "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>x | y</td></tr></tbody></table>"),
    ("| a | b |\n| --- |\n| c |", "<p>| a | b || --- || c |</p>"),
    (
        "| a | b |\n| --- | --- |\n| c |\n| d | e | f |",
        "<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>c</td><td></td></tr>"
        "<tr><td>d</td><td>e</td></tr></tbody></table>",
    ),
    (
        "| a |\n| - |\n| b |\n> c",
        "<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>b</td></tr></tbody></table>"
        "<blockquote><p>c</p></blockquote>",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("markdown", "html"), GFM, ids=range(len(GFM)))
def test_a_rule_of_gfm(markdown, html):
    parser = markdown_parser()

    assert normal(BodyRenderer().render(parser.parse(markdown), parser.options, {})) == html


def test_an_address_for_examples_is_no_link():
    assert to_html("https://example.com/a and me@mail.example.org", fragment=True).content == (
        "<p>https://example.com/a and me@mail.example.org</p>\n"
    )
