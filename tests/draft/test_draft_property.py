"""Whatever JSON a user keeps: the writer never raises, escapes what it prints, and says the same twice."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from trainer.core.values import Context, DataBlock, Field, Output, Prompt
from trainer.draft import DraftProvider

MOMENT = datetime(2025, 2, 21, tzinfo=UTC)
MARKUP = "<script>alert(1)</script> *bold* _it_ [link](http://x) | `code` ~~~ # & &lt; \\ $x$ ![i](y) \u202e"

texts = st.one_of(
    st.text(max_size=20), st.sampled_from([MARKUP, "2024-12-31", "-1.5", "007", "\n# heading\n", "| a | b |", ""])
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), texts, st.sampled_from([0, -0.0, 10**400, 1e300, 5e-324])
)
keys = st.one_of(st.text(max_size=12), st.sampled_from(["date", "name", "revenue", "totalCash", "year", "a|b", "*"]))
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(keys, inner, max_size=6),
        st.lists(
            st.fixed_dictionaries({"date": st.dates().map(str), "sales": scalars, "note": texts}),
            min_size=2,
            max_size=5,
        ),
    ),
    max_leaves=25,
)
units = st.sampled_from(
    ["", "USD", "USD/share", "fraction", "percent", "ratio", "count", "shares", "date", "text", "?"]
)
sections = st.lists(
    st.sampled_from(["Summary", "Revenue", "Risks", "Notes", "What is missing", "Sales *and* <b>", "# x"]), max_size=4
)


def paths(value: object, path: tuple[str, ...] = ()) -> list[str]:
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in paths(item, (*path, str(key)))]
    if isinstance(value, list):
        return [found for item in value for found in paths(item, path)]
    return [".".join(path)]


@st.composite
def prompts(draw: st.DrawFn) -> Prompt:
    blocks = []
    for name in ("first", "second")[: draw(st.integers(0, 2))]:
        data = draw(trees)
        fields = {path: Field(draw(texts), draw(units)) for path in paths(data)[:4]}
        subject = draw(st.none() | texts)
        as_of = draw(st.sampled_from([None, "2025-02-21", "soon"]))
        blocks.append(DataBlock(name, f"file:{name}", 1, "file", MOMENT, data, "d", subject, as_of, fields))
    contexts = tuple(Context(f"{n}.md", draw(texts), draw(texts), "d") for n in range(draw(st.integers(0, 2))))
    titles = tuple(draw(sections))
    body = draw(texts) + "".join(f"\n## {title}\n\nGive revenue, {draw(texts)} and a chart.\n" for title in titles)
    return Prompt("x.md", "X", body, body, {}, contexts, tuple(blocks), Output(titles))


def outside_fences(text: str) -> str:
    return re.sub(r"^```chart\n.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


@settings(max_examples=300, deadline=None)
@given(prompts())
def test_any_data_gives_a_report_with_its_sections_and_the_notice(prompt: Prompt) -> None:
    text = DraftProvider().complete(prompt).content

    assert text.startswith("> **No language model wrote this text.**")
    assert text.count("\n## ") >= len(prompt.output.sections)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert text == DraftProvider().complete(prompt).content


@settings(max_examples=300, deadline=None)
@given(prompts())
def test_no_datum_becomes_markup(prompt: Prompt) -> None:
    plain = Prompt("x.md", "X", "", "", {}, (), prompt.data, Output(("Summary", "Revenue")))
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(DraftProvider().complete(plain).content)
    inline = [child.type for token in tokens if token.type == "inline" for child in token.children or ()]

    assert not {"html_inline", "link_open", "image", "code_inline", "em_open"} & set(inline)
    assert "html_block" not in {token.type for token in tokens}
    assert all(token.tag == "h2" for token in tokens if token.type == "heading_open")


@settings(max_examples=200, deadline=None)
@given(prompts())
def test_every_table_row_has_as_many_cells_as_its_header(prompt: Prompt) -> None:
    for table in re.findall(r"(?:^\|.*\|\n)+", outside_fences(DraftProvider().complete(prompt).content), re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in table.splitlines()}

        assert len(widths) == 1


@settings(max_examples=200, deadline=None)
@given(
    st.text()
    | trees.map(lambda tree: f"Write on this:\n\n```json\n{json.dumps(tree)}\n```\n\nAnd that.")
    | st.tuples(trees, texts, texts).map(
        lambda parts: (
            f'<context path="{parts[1]}">\n## A\n\n{parts[2]}\n</context>\n<data name="x" as_of="{parts[1]}">\n'
            f"```json\n{json.dumps(parts[0])}\n```\na.b:\n```csv\ndate,{parts[2]}\n2024-01-01,1\n{parts[1]},2\n```\n</data>"
        )
    )
)
def test_any_text_prompt_gives_a_report(text: str) -> None:
    assert DraftProvider().complete(text).content.startswith("> **No language model wrote this text.**")


@settings(max_examples=200, deadline=None)
@given(
    prompts(),
    st.recursive(
        st.sampled_from(
            [{"type": "string"}, {"type": "number"}, {"type": ["integer", "null"]}, {"enum": ["a", None]}, {}, True]
        ),
        lambda inner: st.dictionaries(keys, inner, max_size=4).map(lambda p: {"type": "object", "properties": p}),
    ),
)
def test_any_schema_gives_json(prompt: Prompt, schema: dict[str, object]) -> None:
    answer = DraftProvider().complete(prompt, schema=schema or {"type": "object"}).content

    json.loads(answer)
