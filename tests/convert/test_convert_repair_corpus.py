"""A corpus of what models do to Markdown, by kind: what the page must show, and what it must not."""
# ruff: noqa: E501  (a case a line)

from __future__ import annotations

import collections
import importlib.metadata
from pathlib import Path

import pytest

from corpus.convert.written import to_html
from trainer.convert import repair_markdown

DOC = "# Acme\n\nRevenue **grew**.\n\n## Risks\n\n- Patents\n- Prices\n"
TABLE = "| Year | Sales |\n|---|---|\n| 2023 | 12 |\n| 2024 | 15 |\n"
CODE = "```python\nprint(1)\n```\n"

Case = tuple[str, str, tuple[str, ...], tuple[str, ...]]


def case(kind: str, text: str, shows: str, hides: str = "") -> Case:
    """Kind, text, and what the HTML shows and hides, several things apart by ` @@ `."""
    return kind, text, tuple(shows.split(" @@ ")), tuple(part for part in hides.split(" @@ ") if part)


HEAD = "<h2 @@ Risks</h2> @@ <strong>grew</strong>"
GRID = "<table> @@ >12</td> @@ >15</td>"

CASES = [
    *(case("fence around the answer", text, HEAD, "```") for text in (
        f"```markdown\n{DOC}```", f"```md\n{DOC}```\n", f"```\n{DOC}```", f"~~~markdown\n{DOC}~~~", f"````markdown\n{DOC}````",
        f"```markdown\n{DOC}", f"\n\n```markdown\n{DOC}\n```\n\n", f"```markdown\n{DOC}\n{CODE}\n```", f"```Markdown\n{DOC}```",
        f"Here is the report:\n\n```markdown\n{DOC}```", f"Sure! Here's the overview you asked for.\n\n```markdown\n{DOC}```",
        f"```markdown\n{DOC}```\n\nLet me know if you need anything else!", f"Certainly.\n```md\n{DOC}```\nI hope this helps.",
        f"```markdown\n---\ntitle: X\n---\n{DOC}```",
    )),
    *(case("reasoning", text, HEAD, "secret @@ think") for text in (
        f"<think>secret</think>\n{DOC}", f"<think>\nsecret\n\n# secret\n</think>\n\n{DOC}", f"<thinking>secret</thinking>{DOC}",
        f"secret\n</think>\n\n{DOC}", f"<think>\nsecret plan\n\n{DOC}", f"<reasoning>secret</reasoning>\n\n{DOC}",
        f"<THINK>secret</THINK>\n{DOC}", f"{DOC}\n<think>secret</think>\n", f"<think>secret <b>x</b></think>\n{DOC}",
        f"<scratchpad>\nsecret\n</scratchpad>\n{DOC}",
    )),
    *(case("control tokens", text, HEAD, "&lt;| @@ im_end @@ [INST] @@ secret") for text in (
        f"{DOC}<|im_end|>", f"<|im_start|>assistant\n{DOC}<|im_end|>", f"{DOC}<|endoftext|>", f"{DOC}<|eot_id|>",
        f"<|channel|>analysis<|message|>secret<|end|><|start|>assistant<|channel|>final<|message|>{DOC}<|return|>",
        f"<|start_header_id|>assistant<|end_header_id|>\n\n{DOC}<|eot_id|>", f"{DOC}</s>", f"[INST]{DOC}[/INST]",
        f"<start_of_turn>model\n{DOC}<end_of_turn>", f"<｜Assistant｜>{DOC}<｜end▁of▁sentence｜>",
    )),
    *(case("line ends written out", text, HEAD, r"\n") for text in (
        DOC.strip().replace("\n", r"\n"), '"' + DOC.strip().replace("\n", r"\n") + '"', DOC.strip().replace("\n", r"\r\n"),
    )),
    *(case("torn table", text, GRID, "<p>| @@ ---") for text in (
        TABLE.replace("|---|---|\n", "|---|---|\n\n"), TABLE.replace("Sales |\n", "Sales |\n\n"), TABLE.replace("12 |\n", "12 |\n\n"),
        TABLE.replace("|---|---|\n", ""), TABLE.replace("|---|---|", "|---|"), TABLE.replace("|---|---|", "|---|---|---|"),
        TABLE.replace("|---|---|", "|:|:|"), TABLE.replace("|---|---|", "|—|—|"), TABLE.replace("|---|---|", "|–––|–––|"),
        TABLE.replace("|---|---|", "|===|===|"), TABLE.replace("|---|---|", "+---+---+"), TABLE.replace("\n", " "),
        f"Text before.\n\n{TABLE.replace('Sales |', 'Sales |' + chr(10))}", TABLE.replace("|---|---|", "|---|---"),
        TABLE.replace("|---|---|", "|---:|"), f"# T\n\n{TABLE.replace('|---|---|' + chr(10), '')}\nAfter.",
    )),
    *(case("cells beyond the head", text, f"{GRID} @@ lost") for text in (
        TABLE.replace("| 12 |", "| 12 | lost |"), TABLE.replace("| 12 |", "| 12 | lost |").replace("| 15 |", "| 15 | b |"),
        TABLE.replace("| 15 |", "| 15 | | lost |"),
    )),
    *(case("heading without a space", text, HEAD) for text in (
        DOC.replace("## Risks", "##Risks"), DOC.replace("## Risks", "##**Risks**").replace("Risks**", "Risks**") + "\n## Risks\n",
    )),
    *(case("heading without a space", text, shows) for text, shows in (
        ("###Deep", "<h3 @@ Deep"), ("Text.\n\n##Größe", "<h2 @@ Größe"), ("##Übersicht\n\nText", "<h2"), ("####Four", "<h4"),
        ("#Acme Report\n\nText", "<h1"), ("a\n##Two\nb", "<h2"),
    )),
    *(case("strong never closed", text, shows, "**") for text, shows in (
        ("A **bold word", "<strong>bold word</strong>"), ("- **Term: text", "<strong>Term:</strong> text"),
        ("- **Term: text\n- **Other: more", "<strong>Other:</strong> more"), ("1. **First** and **second", "<strong>second</strong>"),
        ("**Note: careful.\n\nNext **good** one.", "<strong>Note:</strong> careful."), ("Costs are ** high **.", "<strong>high</strong>"),
        ("> **Quoted: yes", "<strong>Quoted:</strong>"), ("A ** spaced ** word and `**`.", "<strong>spaced</strong>"),
        ("Line one\n**line two", "<strong>line two</strong>"),
    ) if "`**`" not in text),
    *(case("formula", text, shows, r"\( @@ \[") for text, shows in (
        (r"So \(x^2 + 1\) grows.", '<math alttext="x^2 + 1">'), (r"\[E = mc^2\]", 'alttext="E = mc^2"'),
        ("\\[\n\\frac{a}{b}\n\\]", "<mfrac>"), (r"If \( a_i < b \) then", 'alttext="a_i &lt; b"'), (r"\(n\)", '<math alttext="n">'),
        (r"Both \(x\) and \(y=2\).", '<math alttext="y=2">'), ("Text:\n\n\\[\na = b\n\\]\n\nmore", 'alttext="a = b"'), (r"- \(\alpha\) decay", r"\alpha"),
    )),
    *(case("citation mark", text, "Revenue grew", "†source @@ oaicite @@ turn0 @@ [cite @@ &lt;cite") for text in (
        "Revenue grew【1†source】.", "Revenue grew【12:3†report.pdf】.", "Revenue grew :contentReference[oaicite:0]{index=0}.",
        "Revenue grew [oaicite:2].", "Revenue grew citeturn0search1.", "Revenue grew \ue200cite\ue202turn0search0\ue201.",
        "[cite_start]Revenue grew.[cite: 1, 2]", "Revenue grew [cite: 12].", "Revenue grew [source: 3].",
        '<cite index="1">Revenue grew</cite>.', "Revenue grew turn0view2.",
    )),
    *(case("front matter", text, HEAD, "title:") for text in (
        f"---\ntitle: X\n---\n\n---\ntitle: Y\n---\n{DOC}", f"```yaml\n---\ntitle: X\n---\n```\n{DOC}",
        f"```\n---\ntitle: X\ndate: 2025-01-01\n---\n```\n\n{DOC}", f"---\ntitle: Acme: the report\n---\n{DOC}",
        f"---\ntitle: X\n---\n---\nsubtitle: Y\n---\n\n{DOC}",
    )),
    *(case("curly quotes in code", text, shows, "“") for text, shows in (
        ("```json\n{“a”: 1}\n```", '"a"'), ("```python\nprint(“hi”)\n```", '"hi"'),
        ("```bash\necho “x”\n```", '"x"'), ("```sql\nselect ‘a’\n```", "select @@ 'a'"),
    )),
    *(case("block never closed", text, shows) for text, shows in (
        ("# T\n\n```python\nx = 1\n", "<pre"), ("- item\n\n  ```\n  code", "<pre"), ("```\na\n```\n\n~~~\nb", "<pre"),
        ("text <!-- note\n\n**more**", "<strong>more</strong>"), ("<!-- start\n\n# T2\n\nText", "Text"),
    )),
]  # fmt: skip


def shown(text: str) -> str:
    return to_html(repair_markdown(text).text, fragment=True).content


def holds(case: Case) -> bool:
    _, text, shows, hides = case
    html = shown(text)
    return all(part in html for part in shows) and not any(part in html for part in hides)


def test_the_corpus_has_a_hundred_cases_or_more():
    assert len(CASES) >= 100


def test_at_least_92_percent_are_mended():
    failed = [case for case in CASES if not holds(case)]
    by_kind = collections.Counter(kind for kind, *_ in failed)

    assert len(failed) <= 0.08 * len(CASES), by_kind
    assert [case[:2] for case in failed] == []


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_mending_twice_changes_nothing_more(case):
    once = repair_markdown(case[1]).text

    assert repair_markdown(once).text == once


def valid_documents() -> dict[str, str]:
    """Long documents that people wrote: the descriptions of installed packages and this project's own."""
    found = {
        package.metadata["Name"]: str(package.metadata.get_payload() or package.metadata["Description"])
        for package in importlib.metadata.distributions()
        if (package.metadata["Description-Content-Type"] or "").startswith("text/markdown")
    }
    root = Path(__file__).parents[2]
    for pattern in ("*.md", "docs/**/*.md", "information/**/*.md", "output/**/*.md", "tests/corpus/convert/valid/*.md"):
        found |= {str(path.relative_to(root)): path.read_text("utf-8") for path in root.glob(pattern)}
    return {name: text for name, text in found.items() if len(text) > 1500}


def test_fifty_valid_documents_stay_as_they_are_to_the_byte():
    documents = valid_documents()

    assert [name for name, text in documents.items() if repair_markdown(text).text != text] == []
    assert len(documents) >= 50
