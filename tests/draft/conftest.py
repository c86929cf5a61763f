from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trainer.core.values import Context, DataBlock, Field, Json, Output, Prompt

ROOT = Path(__file__).parents[2]
MOMENT = datetime(2025, 2, 21, 21, 0, 2, tzinfo=UTC)

ExamplePrompt = Callable[[str], Prompt]
MakePrompt = Callable[..., Prompt]

_COMPANIES = {"abbvie": ("ABBV", "AbbVie"), "butterfly": ("BFLY", "Butterfly Network")}


@pytest.fixture(scope="session")
def example_prompt() -> ExamplePrompt:
    """The finished prompt of one of the example's reports, made of the repository's own files."""
    return _example


@pytest.fixture(scope="session")
def make_prompt() -> MakePrompt:
    """A prompt of these data blocks, sections and instruction."""
    return _prompt


def _prompt(
    data: Json | dict[str, Json] = None,
    *,
    sections: tuple[str, ...] = (),
    body: str = "",
    units: dict[str, str] | None = None,
    contexts: tuple[Context, ...] = (),
    as_of: str | None = None,
    **blocks: Json,
) -> Prompt:
    named = {"data": data} if data is not None else {}
    fields = {path: Field("", unit) for path, unit in (units or {}).items()}
    made = tuple(
        DataBlock(name, f"file:{name}", 1, "file", MOMENT, value, "d", None, as_of, fields)
        for name, value in {**named, **blocks}.items()
    )
    return Prompt("x.md", "X", body, body, {}, contexts, made, Output(sections))


def _example(name: str) -> Prompt:
    from trainer.prompts import load_instruction, render, resolve_params, select_contexts

    if name in _COMPANIES:
        ticker, company = _COMPANIES[name]
        file, given = "single-company.md", {"TICKER": ticker, "COMPANY_NAME": company}
        kinds = {"summary": (ticker, "summary"), "fundamentals": (ticker, "fundamentals")}
    else:
        file = f"{name}.md"
        given = {"TICKER_A": "ABBV", "NAME_A": "AbbVie", "TICKER_B": "BFLY", "NAME_B": "Butterfly Network"}
        kinds = {"first": ("ABBV", "summary"), "second": ("BFLY", "summary")}
    path = ROOT / "information" / "instructions" / "biotech" / file
    instruction = load_instruction(path, shown=f"biotech/{file}", root=ROOT)
    params = resolve_params(instruction, given)
    return render(
        instruction,
        params=params,
        contexts=select_contexts(instruction, params, folder=ROOT / "information" / "context"),
        data={block: _recorded(block, *kind) for block, kind in kinds.items()},
        clean=str,
        fence=lambda block: f"```json\n{json.dumps(block.data)}\n```\n",
    )


def _recorded(block: str, ticker: str, kind: str) -> DataBlock:
    kept = json.loads((ROOT / "information" / "data" / f"{ticker}-{kind}.json").read_text(encoding="utf-8"))
    fields = {path: Field(each["title"], each.get("unit", "")) for path, each in kept["fields"].items()}
    key = f"file:{ticker}-{kind}"
    return DataBlock(block, key, 1, "file", MOMENT, kept["data"], "d", kept["subject"], kept["as_of"], fields)
