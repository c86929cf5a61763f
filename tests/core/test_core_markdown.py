import json
import time
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from trainer.core.errors import ConversionError
from trainer.core.markdown import DEEPEST, parse_tokens, plain_text, read_markdown
from trainer.core.markdown.autolinks import autolinks

CORPUS = Path(__file__).parents[1] / "corpus"
EXAMPLES = json.loads((CORPUS / "convert/commonmark/examples.json").read_text(encoding="utf-8"))

REPORT = """---
title: A
---
# Top *one*

Intro with `co|de`, a [link **x**](http://a.b "t") and ![pic](p.png)[^1].
Second line `x` <b>y</b>.

Second
------

- item one
  goes on `c`
- item two

  | a | b \\| c |
  |:--|---:|
  | 1 | `x \\| y` |
  | 2 |

> # quoted
> | k | v |
> |---|---|

```json
{"a": 1}
```

[ref]: http://x.y
[^1]: The note.

### Third

~~~
open
"""


def test_blocks_come_in_order_with_lines_headings_and_what_they_stand_in() -> None:
    blocks = read_markdown(REPORT).blocks

    assert [(block.kind, block.line, block.end_line, block.headings, block.containers) for block in blocks] == [
        ("front", 1, 3, (), ()),
        ("heading", 4, 4, (), ()),
        ("paragraph", 6, 7, ("Top one",), ()),
        ("heading", 9, 10, ("Top one",), ()),
        ("paragraph", 12, 13, ("Top one", "Second"), ("list", "item")),
        ("paragraph", 14, 14, ("Top one", "Second"), ("list", "item")),
        ("table", 16, 19, ("Top one", "Second"), ("list", "item")),
        ("heading", 21, 21, ("Top one", "Second"), ("quote",)),
        ("table", 22, 23, ("Top one", "Second"), ("quote",)),
        ("code", 25, 27, ("Top one", "Second"), ()),
        ("other", 29, 29, ("Top one", "Second"), ()),
        ("paragraph", 30, 30, ("Top one", "Second"), ("note",)),
        ("heading", 32, 32, ("Top one", "Second"), ()),
        ("code", 34, 35, ("Top one", "Second", "Third"), ()),
    ]


def test_sections_hold_what_is_below_their_heading_and_own_what_is_above_the_next() -> None:
    sections = read_markdown(REPORT).sections

    assert [(section.level, section.title, len(section.blocks), len(section.own)) for section in sections] == [
        (1, "Top one", 12, 1),
        (2, "Second", 10, 8),
        (3, "Third", 1, 1),
    ]


def test_what_stands_before_the_first_heading_is_a_section_without_one() -> None:
    assert [(section.level, section.title) for section in read_markdown("Words.\n\n# A\n").sections] == [
        (0, ""),
        (1, "A"),
    ]


def test_a_table_has_alignments_and_cells_with_line_and_column() -> None:
    document = read_markdown(REPORT)
    table = document.tables[0].table

    assert table is not None
    assert table.alignments == ("left", "right")
    assert [(cell.text, cell.line, cell.column) for cell in table.header] == [("a", 16, 5), ("b \\| c", 16, 9)]
    assert [[document.words(cell) for cell in row] for row in table.rows] == [["1", "x | y"], ["2"]]
    assert [[REPORT.splitlines()[cell.line - 1][cell.column - 1] for cell in row] for row in table.rows] == [
        ["1", "`"],
        ["2"],
    ]


def test_spans_say_where_code_links_pictures_notes_and_html_stand() -> None:
    document = read_markdown(REPORT)
    spans = [span for block in document.blocks for span in document.spans(block)]

    assert [(span.kind, REPORT[span.start : span.end], span.text, span.target) for span in spans] == [
        ("code", "`co|de`", "co|de", ""),
        ("link", '[link **x**](http://a.b "t")', "link x", "http://a.b"),
        ("image", "![pic](p.png)", "pic", "p.png"),
        ("note", "[^1]", "1", ""),
        ("code", "`x`", "x", ""),
        ("html", "<b>", "<b>", ""),
        ("html", "</b>", "</b>", ""),
        ("code", "`c`", "c", ""),
        ("code", "`x \\| y`", "x | y", ""),
    ]


def test_a_fence_tells_what_it_holds_and_whether_it_is_closed() -> None:
    document = read_markdown(REPORT)
    fences = [block for block in document.blocks if block.is_fenced]

    assert [(fence.info, fence.content, fence.is_closed) for fence in fences] == [
        ("json", '{"a": 1}\n', True),
        ("", "open\n", False),
    ]
    assert document.unclosed == fences[1]


@pytest.mark.parametrize("text", ["```", "```\n", "> ```\n> a\n\nb", "- ```\n  a\n- b", "    ```\n    a"])
def test_a_fence_is_closed_by_a_fence_alone(text: str) -> None:
    unclosed = read_markdown(text).unclosed

    assert (unclosed is None) == text.startswith("    ")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: str(example["example"]))
@pytest.mark.parametrize("around", ["{}", "# Before\n\n{}", "\r\n{}"])
def test_every_line_that_is_not_blank_is_in_one_block_in_order(example: dict[str, str], around: str) -> None:
    text = around.format(example["markdown"])
    document = read_markdown(text, front_matter=False)

    covered: list[int] = []
    for block in document.blocks:
        assert text[block.start : block.end] == block.text
        covered += range(block.line, block.end_line + 1)
        for span in document.spans(block):
            assert block.start <= span.start < span.end <= block.end
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert covered == sorted(covered)
    assert {number for number, line in enumerate(lines, 1) if line.strip()} <= set(covered)


def test_lines_of_any_ending_are_counted() -> None:
    blocks = read_markdown("# A\r\n\r\nB `c`\r\nd\r\re").blocks

    assert [(block.kind, block.line, block.text) for block in blocks] == [
        ("heading", 1, "# A"),
        ("paragraph", 3, "B `c`\r\nd"),
        ("paragraph", 6, "e"),
    ]
    assert blocks[1].place(blocks[1].text.index("d")) == (4, 1)


def nested(kind: str, levels: int) -> str:
    if kind == "quote":
        return f"{'> ' * levels}omega"
    lines = [f"{'  ' * level}- level {level}" for level in range(levels)]
    return "\n".join([*lines, "", f"{'  ' * levels}omega"])


@pytest.mark.parametrize(("kind", "levels"), [("quote", DEEPEST - 1), ("list", DEEPEST // 2 - 1)])
def test_no_text_is_lost_at_any_depth_that_is_read(kind: str, levels: int) -> None:
    tokens = parse_tokens(nested(kind, levels))

    assert "omega" in plain_text([child for token in tokens for child in token.children or ()])
    assert "omega" in read_markdown(nested(kind, levels)).blocks[-1].content


@pytest.mark.parametrize(("kind", "levels"), [("quote", DEEPEST), ("quote", 5_000), ("list", 200)])
def test_what_is_nested_deeper_is_refused_with_its_line(kind: str, levels: int) -> None:
    line = 3 if kind == "quote" else 3 + DEEPEST // 2 - 1
    with pytest.raises(ConversionError, match=rf"^d\.md:{line}: quotes and lists are nested more than 100 levels deep"):
        read_markdown(f"# A\n\n{nested(kind, levels)}", shown="d.md")


@pytest.mark.parametrize(
    "text",
    [
        "![" * 2_000 + "](x)" * 2_000,
        "[" * 20_000,
        "[![" * 1_000 + "a](b)](c)" * 1_000,
        "*a " * 20_000,
        "`" * 20_000,
        "*" * 20_000 + "x" + "*" * 20_000,
    ],
)
def test_inline_text_of_any_depth_is_read_and_kept(text: str) -> None:
    assert read_markdown(text, front_matter=False).blocks[0].text == text
    parse_tokens(text)


def test_what_no_reader_needs_is_not_loaded() -> None:
    import subprocess
    import sys

    modules = "import trainer.core.frontmatter, trainer.core.formats, trainer.core.project, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", modules], capture_output=True, text=True, check=True)
    assert "markdown_it" not in done.stdout


@pytest.mark.parametrize(
    ("text", "kinds", "words"),
    [
        ("10<sup>6</sup> of CO<sub>2</sub>", ["sup_open", "sup_close", "sub_open", "sub_close"], "10⁶ of CO₂"),
        ("the 1<sup>st</sup>", ["sup_open", "sup_close"], "the 1st"),
        (
            "<B>all</B> <i>*x*</i>",
            ["strong_open", "strong_close", "em_open", "em_open", "em_close", "em_close"],
            "all x",
        ),
        ('<span style="color: red">a</span>', ["span_open", "span_close"], "a"),
        ("<b onclick=x>a</b>", [], "a"),
        ("<b>*a</b>* b", ["em_open", "em_close"], "a b"),
        ("**<b>a** b</b>", ["strong_open", "strong_close"], "a b"),
        ("</b>a<b>", [], "a"),
        ("[<u>a</u>](b)", ["link_open", "u_open", "u_close", "link_close"], "a"),
        ("North<br>America", [], "North America"),
    ],
)
def test_a_pair_of_tags_is_the_mark_it_means(text: str, kinds: list[str], words: str) -> None:
    inline = parse_tokens(text)[1]
    nested = [token.type for token in inline.children or [] if token.nesting]

    assert (nested, plain_text(inline.children)) == (kinds, words)


def test_a_pair_of_tags_is_told_as_html_where_it_stands() -> None:
    document = read_markdown("a <b>c</b>")

    assert [(span.kind, span.start, span.text) for span in document.spans(document.blocks[0])] == [
        ("html", 2, "<b>"),
        ("html", 6, "</b>"),
    ]


@pytest.mark.parametrize("mark", [":", "://", "@a", "a@", "x:y@", "x:y@ ", "mailto:x@ ", "http://_ ", "(www.a", "a_b@"])
def test_marks_of_addresses_are_read_in_linear_time(mark):
    parser = MarkdownIt("commonmark")
    autolinks(parser)
    started = time.process_time()
    parser.parse((mark * 40_000)[:40_000])

    assert time.process_time() - started < 8  # these took ten times as long, and forty times for twice as much
