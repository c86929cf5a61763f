"""Regenerate `src/trainer/providers/prices.json` from the price map inside the installed LiteLLM.

Run it with an environment that has LiteLLM: `.venv/bin/python scripts/prices.py`.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent.parent / "src/trainer/providers/prices.json"
FIELDS = (
    "input_cost_per_token",
    "output_cost_per_token",
    "cache_read_input_token_cost",
    "cache_creation_input_token_cost",
    "max_input_tokens",
    "max_output_tokens",
)
TIERS = (100_000, 128_000, 200_000, 272_000, 512_000)
MODES = ("chat", "completion", "responses")
LOCAL = ("docker_model_runner", "lm_studio", "llamafile", "ollama", "ollama_chat")


def main() -> int:
    """Write the table and say how large it is."""
    spec = find_spec("litellm")
    if spec is None or spec.origin is None:
        print("litellm is not installed in this environment", file=sys.stderr)
        return 1
    source = (Path(spec.origin).parent / "model_prices_and_context_window_backup.json").read_bytes()
    version = importlib.metadata.version("litellm")
    TARGET.write_text(table(source, version), encoding="utf-8")
    print(f"{TARGET.name}: {TARGET.stat().st_size} bytes from litellm {version}")
    return 0


def table(source: bytes, version: str) -> str:
    """One model a line, so that a new version of the map is a readable diff."""
    entries = {name: with_first_tier(entry) for name, entry in json.loads(source).items()}
    models = {name: row(entry) for name, entry in sorted(entries.items()) if is_priced(name, entry)}
    head = {
        "source": f"litellm {version}",
        "sha256": hashlib.sha256(source).hexdigest(),
        "columns": ["provider", *FIELDS, "flags", "tiers"],
    }
    lines = [f" {json.dumps(name)}: {json.dumps(value, separators=(',', ':'))}" for name, value in models.items()]
    body = ",\n".join(lines)
    return json.dumps(head)[:-1] + ', "models": {\n' + body + "\n}}\n"


def is_priced(name: str, entry: dict[str, Any]) -> bool:
    """Whether the entry is a model that writes text at a price by the token."""
    costs = [number(entry.get(field)) for field in FIELDS[:2]]
    if name == "sample_spec" or entry.get("mode") not in MODES or None in costs:
        return False
    return any(costs) or entry.get("litellm_provider") in LOCAL  # elsewhere 0 and 0 says that nobody knew


def with_first_tier(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry with its first tier's prices where it has a list of tiers only."""
    first: dict[str, Any] = next(iter(entry.get("tiered_pricing") or ()), {})
    return {**first, **entry}


def row(entry: dict[str, Any]) -> list[Any]:
    """The model's provider, prices, limits, flags (`s` takes a JSON Schema) and tiers."""
    flags = "s" if entry.get("supports_response_schema") else ""
    values = [entry.get("litellm_provider", ""), *(number(entry.get(field)) for field in FIELDS), flags, tiers(entry)]
    while values and values[-1] in (None, "", []):
        values.pop()
    return values


def tiers(entry: dict[str, Any]) -> list[list[float | None]]:
    """[tokens above which it holds, input, output, cache read, cache creation] for each higher price."""
    found: list[list[float | None]] = [
        [int(tier["range"][0]), *(number(tier.get(field)) for field in FIELDS[:4])]
        for tier in entry.get("tiered_pricing") or ()
        if "range" in tier and tier["range"][0] > 0
    ]
    for above in TIERS:
        suffix = f"_above_{above // 1000}k_tokens"
        prices = [number(entry.get(field + suffix)) for field in FIELDS[:4]]
        if any(price is not None for price in prices):
            found.append([above, *prices])
    return found


def number(value: object) -> float | int | None:
    """The value where it is a number; the map holds a few words."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


if __name__ == "__main__":
    raise SystemExit(main())
