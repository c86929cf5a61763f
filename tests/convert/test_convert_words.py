"""The words that go into a conversion come out of it, for every pair of formats that we read and write ourselves."""

from __future__ import annotations

import io
import json
import re
import zipfile
from html import unescape

import pypdfium2
import pytest

from trainer.convert import WRITERS, Options, convert
from trainer.core.errors import ConversionError
from trainer.core.formats import FORMATS
from trainer.core.readings import READERS

LAYERS = [f"{'  ' * depth}- layer{depth:02} deep\n" for depth in range(40)]
DEEP, PRINTED = "".join(LAYERS), "".join(LAYERS[:12])  # laying out 40 layers for paper takes 35 s
MARKDOWN = f"""# Title *emphatic* `codeword` [linked](https://gnu.org)[^t]

Opening paragraph with **strong** words, ~~struck~~ ones and a formula $x^2$.[^n] Again.[^n]

{DEEP}
> quoted line
>
> > inner quotation
>
> 1. numbered
> 2. second
>
>    continued paragraph

Table: Caption words

| Head | Right | Cells |
| --- | ---: | --- |
| `pipe\\|code` | right aligned prose that is long | - |
| --- | 12 | |

Term
: Definition words

```python
fenced = "snippet"
```

ACGTTGCAAGGCTTACG**CATGCAATCGGTACCGGTTAACG**GGAAGCTTACGACGTTGC after

Revenue ($bn), cost ($/kg), ~$3M/~$4M, 5~10 mg

- [x] ticked
- [ ] unticked

![described](missing.png)

Broken <b>markup</b> stays

Closing sentence finale.

[^t]: Titular note.
[^n]: Ordinary note.
[^u]: Uncited note.
"""
HTML = (
    "<html><head><title>Heading</title><style>p {}</style></head><body><h1>Heading <em>stressed</em></h1><![>"
    "<p>Prose <b>bold <i>nested</b> crossing</i> text</p><ul><li>first<ul><li>inner<li>sibling</ul><li>last</ul>"
    "<table><caption>Captioned</caption><tr><th>left</th><th>right</th></tr><tr><td>x | y</td><td><code>p|q</code></td>"
    "</tr></table><blockquote>cited<blockquote>deeper</blockquote></blockquote><pre>verbatim\nlines</pre></body></html>"
)
VALUE = {
    "marketCap": 5,
    "note": "some words",
    "rows": [{"fiscalYear": "later", "kind": "annual"}],
    "deep": {"er": {"est": "end"}},
}
SOURCES = {
    "markdown": MARKDOWN,
    "html": HTML,
    "text": "Plain words, *starred* and <angled>.\n\nSecond paragraph: 1) one\n",
    "json": json.dumps(VALUE),
    "jsonl": "\n".join(json.dumps(row) for row in ({"name": "alpha"}, {"name": "beta"})),
    "yaml": "name: gamma\nlist: [delta, epsilon]\n",
    "csv": "name,town\nzeta,Lisbon\neta,Porto\n",
}
OURS = [name for name, item in FORMATS.items() if item.writer and "pandoc" not in item.writer.path]


def words(text: str) -> set[str]:
    return {word.casefold() for word in re.findall(r"[^\W_]{2,}", text)}


def shown(content: str | bytes, target: str) -> str:
    """What a reader sees of an output."""
    if target == "pdf":
        pages = pypdfium2.PdfDocument(content)
        return re.sub(r"[\ufffe\x02]\s*", "", "\n".join(page.get_textpage().get_text_range() for page in pages))
    if target == "docx":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = [archive.read(f"word/{part}.xml").decode() for part in ("document", "footnotes")]
        described = " ".join(re.findall(r'descr="([^"]*)"', parts[0]))
        return unescape(re.sub(r"<(?:/w:p|w:br/)>|</w:tc>", " ", " ".join(parts))).replace("</w:t>", "") + described
    if target == "html":
        return unescape(re.sub(r"<[^>]*>", lambda tag: "" if tag[0][1:4] in ("wbr", "/st", "str") else " ", content))
    if target == "latex":
        return content.replace(r"\allowbreak{}", "").replace(r"\textbf{", "").replace("}", "")
    return str(content)


def missing(text: str, source: str, target: str, content: str | bytes) -> set[str]:
    """The words of a source that its output lacks; what runs together on paper counts by letters."""
    given = words(re.sub(r"https://\S+|missing\.png|\[\^\w\]:?|</?\w+/?>|```python|<style>.*?</style>", " ", text))
    if source == "html":
        given = words(re.sub(r"https://\S+|missing\.png|\[\^\w\]:?|</?\w+/?>|```python", " ", text))
    if source == "html":
        given = words(re.sub(r"<style>.*?</style>|<[^>]*>", " ", HTML))
    if source in ("json", "jsonl", "yaml"):
        given = words(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text))
    visible = shown(content, target)
    letters = re.sub(r"[\W_]", "", re.sub(r"<[^>]*>", "", visible)).casefold()
    return {word for word in given - words(visible) if word not in letters}


@pytest.mark.parametrize("target", OURS)
@pytest.mark.parametrize("source", SOURCES)
def test_no_word_is_lost(source, target, pool):
    if (source, target) == ("text", "json"):
        with pytest.raises(ConversionError, match="no JSON in it"):  # it looks for data in an answer, and says so
            convert(SOURCES[source].encode(), source=source, target=target)
        return
    text = SOURCES[source].replace(DEEP, PRINTED) if target == "pdf" else SOURCES[source]
    converted = convert(text.encode(), source=source, target=target, options=Options(pool=pool))

    assert missing(text, source, target, converted.content) == set()


@pytest.mark.soak
def test_no_word_of_a_list_of_forty_layers_is_lost_on_paper(pool):
    printed = convert(MARKDOWN.encode(), source="markdown", target="pdf", options=Options(pool=pool))

    assert missing(MARKDOWN, "markdown", "pdf", printed.content) == set()


def test_every_format_we_write_has_a_writer_of_its_own():
    assert set(SOURCES) <= set(READERS.table)
    assert set(OURS) <= set(WRITERS.table)


@pytest.mark.parametrize("target", OURS)
def test_what_is_nested_deeper_than_it_is_read_is_an_error_with_its_line(target):
    deep = "".join(f"{'  ' * depth}- layer{depth}\n" for depth in range(80))

    with pytest.raises(ConversionError) as raised:
        convert(f"# T\n\n{deep}".encode(), source="markdown", target=target)
    assert raised.value.where.line == 52
