"""From a file to a finished prompt, with real files."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trainer.core.errors import InstructionError
from trainer.core.values import DataBlock
from trainer.prompts import data_queries, find_instruction, load_instruction, render, resolve_params, select_contexts

INSTRUCTION = """\
---
title: "{COMPANY_NAME}: overview"
params:
  TICKER: {required: true, pattern: "^[A-Z.]{1,8}$"}
  COMPANY_NAME: {default: "{TICKER}"}
contexts: [biotech/02-phases.md, "biotech/*.md"]
data:
  quote: {source: yahoo_finance, ticker: "{TICKER}", max_age: 1d}
output: {sections: [Summary, "Risks of {TICKER}"]}
model: {temperature: 0.2}
---
Write about {COMPANY_NAME} as {"json": "{TICKER}"}.
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in {
        "information/instructions/biotech/single.md": INSTRUCTION,
        "information/context/biotech/01-intro.md": "# Introduction\n\nWhat it is.\n",
        "information/context/biotech/02-phases.md": "# Phases\n\nThree.\n",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def block(name: str, data: object) -> DataBlock:
    moment = datetime(2025, 2, 14, tzinfo=UTC)
    return DataBlock(name, f"yahoo_finance:ABBV:{name}", 1, "yahoo_finance", moment, data, "0" * 64)


def fence(data: DataBlock) -> str:
    return f"[{data.name}: {data.data}]"


def test_an_instruction_becomes_a_prompt(project):
    found = find_instruction(project / "information/instructions", "biotech/single", root=project)
    instruction = load_instruction(found.path, shown=found.shown, root=project)
    params = resolve_params(instruction, {"TICKER": "ABBV"})
    contexts = select_contexts(instruction, params, folder=project / "information/context")

    prompt = render(
        instruction, params=params, contexts=contexts, data={"quote": block("quote", {"a": 1})}, clean=str, fence=fence
    )

    assert (found.shown, prompt.title, prompt.model) == ("biotech/single.md", "ABBV: overview", {"temperature": 0.2})
    assert prompt.output.sections == ("Summary", "Risks of ABBV")
    assert (
        prompt.text
        == """\
<contexts>
Background to interpret the data with. It explains the field and asks for nothing.

<context path="biotech/02-phases.md">
## Phases

Three.
</context>

<context path="biotech/01-intro.md">
## Introduction

What it is.
</context>
</contexts>

<instruction>
Write about ABBV as {"json": "ABBV"}.
</instruction>

<data_blocks>
The data to work from, each block with its source and date.

[quote: {'a': 1}]
</data_blocks>

<output>
Answer in Markdown. Write exactly these sections, in this order, each under its level-2 heading:

## Summary
## Risks of ABBV
</output>
"""
    )
    assert "".join(section.text for section in prompt.sections) == prompt.text


def test_the_queries_carry_the_parameters(project):
    path = project / "information/instructions/biotech/single.md"
    instruction = load_instruction(path, shown="biotech/single.md", root=project)

    (query,) = data_queries(instruction, {"TICKER": "BFLY"})

    assert (query.name, query.source, query.query, query.key, query.max_age) == (
        "quote",
        "yahoo_finance",
        {"ticker": "BFLY"},
        None,
        86400.0,
    )


def test_a_misspelt_instruction_names_the_nearest(project):
    with pytest.raises(InstructionError, match='did you mean "biotech/single"'):
        find_instruction(project / "information/instructions", "biotech/singel", root=project)


def test_a_file_without_front_matter_is_sent_as_it_is(tmp_path):
    (tmp_path / "plain.md").write_text("Say {hello} to ${USER}.\n\n")
    instruction = load_instruction(tmp_path / "plain.md", shown="plain.md", root=tmp_path)

    prompt = render(instruction, params={}, contexts=(), data={}, clean=str, fence=fence)

    assert prompt.text == "Say {hello} to ${USER}.\n\n"


def test_the_room_and_a_body_without_jinja_import_no_jinja(project):
    import subprocess

    script = (
        "import sys; from pathlib import Path; from trainer.prompts import *\n"
        f"path = Path({str(project / 'information/instructions/biotech/single.md')!r})\n"
        f"one = load_instruction(path, shown='s', root=Path({str(project)!r}))\n"
        "one = __import__('dataclasses').replace(one, data={})\n"
        "render(one, params={'TICKER': 'A', 'COMPANY_NAME': 'A'}, contexts=(), data={}, clean=str, fence=str)\n"
        "print([name for name in ('jinja2', 'duckdb', 'litellm', 'tiktoken') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
