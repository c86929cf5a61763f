"""Prices: as LiteLLM's own map has them, and unknown where nobody knows."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from trainer.core.values import Prompt
from trainer.providers import create_provider, price, price_at
from trainer.providers.prices import FREE, _table, table_version

ROOT = Path(__file__).parent.parent.parent


def litellm_map():
    spec = importlib.util.find_spec("litellm")
    if spec is None or spec.origin is None:
        pytest.skip("litellm is not installed")
    return (Path(spec.origin).parent / "model_prices_and_context_window_backup.json").read_bytes()


def test_a_known_model_has_its_price_and_window():
    found = price("gpt-4o-mini")

    assert (found.input, found.output, found.cached) == (1.5e-07, 6e-07, 7.5e-08)
    assert (found.max_input, found.max_output, found.takes_schema) == (128000, 16384, True)


def test_the_cost_of_cached_prompt_tokens_is_their_own():
    found = price("gpt-4o-mini")

    assert found.cost(1000, 100) == pytest.approx(1000 * 1.5e-07 + 100 * 6e-07)
    assert found.cost(1000, 100, cached=400) == pytest.approx(600 * 1.5e-07 + 400 * 7.5e-08 + 100 * 6e-07)


def test_a_long_prompt_has_its_higher_price():
    found = price("gemini-2.5-pro", provider="vertex_ai")

    assert found.cost(200_000, 10) == pytest.approx(200_000 * 1.25e-06 + 10 * 1e-05)
    assert found.cost(200_001, 10) == pytest.approx(200_001 * 2.5e-06 + 10 * 1.5e-05)


def test_an_unknown_price_is_unknown_and_never_nothing():
    assert price("nobody-has-heard-of-it") is None
    assert price_at("llama", "https://models.example.com/v1") is None
    assert create_provider("openai_compatible", model="x", api_base="https://models.example.com/v1").get_cost(9) is None


def test_no_model_in_the_table_is_free_unless_it_runs_at_home():
    free = [name for name, row in _table()["models"].items() if row[1] == row[2] == 0]

    assert {_table()["models"][name][0] for name in free} <= {"ollama", "ollama_chat", "lm_studio", "llamafile"}


@pytest.mark.parametrize(
    "address",
    ["http://localhost:11434/v1", "http://127.0.0.1/v1", "http://[::1]:1/v1", "http://10.1.2.3/v1", "http://box.local"],
)
def test_a_gateway_at_home_costs_what_its_models_cost_unless_it_is_declared_local(address):
    assert price_at("gpt-4o-mini", address).input == 1.5e-07
    assert price_at("nobody-has-heard-of-it", address) is None
    assert create_provider("openai_compatible", model="gpt-4o-mini", api_base=address, local=True).price is FREE
    assert create_provider("litellm", model="openai/gpt-4o-mini", api_base=address).price.input == 1.5e-07


def test_an_ollama_costs_nothing():
    assert create_provider("ollama", model="gpt-oss").price is FREE


def test_openai_has_openais_price():
    assert price_at("gpt-4o-mini", "https://api.openai.com/v1").input == 1.5e-07
    assert create_provider("openai", model="gpt-4o-mini").price.output == 6e-07


def test_a_price_of_the_projects_own_wins_everywhere():
    own = {"gpt-4o-mini": {"input": 2.0, "output": 8.0}, "mine": {"input": 1.0, "output": 1.0}}
    known = create_provider("openai", model="gpt-4o-mini", prices=own).price
    mine = create_provider("ollama", model="mine", prices=own).price
    kept = create_provider("ollama", model="mine", prices={"mine": {**own["mine"], "cached": 0.1}}).price

    assert kept.cost(1_000_000, 0, cached=900_000) == pytest.approx(0.19)
    assert (known.cost(1_000_000, 0), known.max_input, known.origin) == (2.0, 128000, "config")
    assert mine.cost(0, 500_000) == 0.5


def test_the_draft_costs_nothing_truly():
    assert create_provider("draft", model="draft").complete(Prompt("a.md", "A", "x")).cost == 0.0


def test_the_table_is_the_one_that_the_script_makes():
    source = litellm_map()
    if hashlib.sha256(source).hexdigest() != _table()["sha256"]:
        pytest.skip("another version of litellm is installed than the table was made from")
    spec = importlib.util.spec_from_file_location("prices_script", ROOT / "scripts/prices.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    made = script.table(source, _table()["source"].removeprefix("litellm "))

    assert made == (ROOT / "src/trainer/providers/prices.json").read_text("utf-8")


def test_the_tables_version_is_told():
    assert table_version().startswith("litellm 1.")
    assert table_version().endswith(f"sha256:{_table()['sha256'][:12]}")


def test_costs_equal_litellms_own_to_a_billionth():
    import os

    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    os.environ.setdefault("LITELLM_MODE", "PRODUCTION")
    import litellm

    luck = random.Random(1)
    known = json.loads(litellm_map())
    plain = [
        name
        for name, row in _table()["models"].items()
        if known[name]["litellm_provider"] in ("openai", "anthropic", "gemini", "mistral", "deepseek", "groq")
        and known[name].get("mode") == "chat"
        and not {"tiered_pricing", "off_peak_pricing"} & {*known[name]}  # off-peak hours are priced as peak ones
    ]
    different = []
    for name in luck.sample(sorted(plain), 120):
        tokens_in, tokens_out = luck.choice((10, 5000, 150_000)), luck.choice((1, 4000))
        provider = known[name]["litellm_provider"]
        theirs = sum(
            litellm.cost_per_token(
                model=name, prompt_tokens=tokens_in, completion_tokens=tokens_out, custom_llm_provider=provider
            )
        )
        ours = price(name).cost(tokens_in, tokens_out)
        if theirs and abs(ours - theirs) > 1e-9:  # where theirs is 0, nobody knew
            different.append((name, tokens_in, tokens_out, ours, theirs))

    assert not different, different


def test_a_price_needs_no_litellm():
    code = "import sys; from trainer.providers import price; print(price('gpt-4o-mini').cost(1000, 100))"
    code += "; print([name for name in ('litellm', 'duckdb', 'aiohttp') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines() == [str(price("gpt-4o-mini").cost(1000, 100)), "[]"]
