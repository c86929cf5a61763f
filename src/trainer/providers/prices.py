"""What models cost and hold, from a table made of LiteLLM's own map; an unknown price is None, never 0."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from trainer.core.values import Json

_MILLION = 1_000_000

_FAMILIES: Mapping[str, tuple[str, ...]] = {
    "anthropic": ("anthropic",),
    "aws_bedrock": ("bedrock", "bedrock_converse"),
    "azure": ("azure", "azure_ai", "azure_text"),
    "azure_openai": ("azure", "azure_ai", "azure_text"),
    "bedrock": ("bedrock", "bedrock_converse"),
    "google_vertex": ("vertex_ai",),
    "huggingface": ("huggingface",),
    "openai": ("openai", "text-completion-openai"),
    "vertex_ai": ("vertex_ai",),
}
"""The names LiteLLM's map has for our providers; a longer name that starts with one of them counts too."""


@dataclasses.dataclass(frozen=True, slots=True)
class Tier:
    """Higher prices that hold for the whole request once its prompt is longer than `above`."""

    above: int
    input: float | None
    output: float | None
    cached: float | None
    cache_write: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Price:
    """What one model costs in US dollars a token, and how much it takes."""

    input: float
    output: float
    cached: float | None = None
    """A prompt token read from the provider's cache."""
    cache_write: float | None = None
    """A prompt token written to the provider's cache."""
    max_input: int | None = None
    max_output: int | None = None
    takes_schema: bool = False
    """Whether the model takes a JSON Schema for its answer."""
    tiers: tuple[Tier, ...] = ()
    origin: str = "table"
    """`table`, `config` or `local`."""

    def cost(self, tokens_in: int, tokens_out: int, *, cached: int = 0, cache_write: int = 0) -> float:
        """US dollars for a request; `cached` and `cache_write` are parts of `tokens_in`."""
        rates = self._at(tokens_in)
        plain = tokens_in - cached - cache_write
        read = rates.input if rates.cached is None else rates.cached
        write = rates.input if rates.cache_write is None else rates.cache_write
        cost = plain * rates.input + cached * read + cache_write * write + tokens_out * rates.output
        return round(cost, 12)

    def _at(self, tokens_in: int) -> Price:
        for tier in reversed(self.tiers):
            if tokens_in > tier.above:
                return dataclasses.replace(
                    self,
                    input=self.input if tier.input is None else tier.input,
                    output=self.output if tier.output is None else tier.output,
                    cached=self.cached if tier.cached is None else tier.cached,
                    cache_write=self.cache_write if tier.cache_write is None else tier.cache_write,
                )
        return self


FREE = Price(0.0, 0.0, origin="local")
"""What a model on one's own machine costs."""


def price(model: str, *, provider: str = "") -> Price | None:
    """What `model` costs at `provider`, or at whoever has a model of this name; None where that is not known."""
    return _listed(model, provider)


def price_at(model: str, base_url: str) -> Price | None:
    """What `model` costs at an address: OpenAI's price at OpenAI, and the price of its name at any other.

    An address of this machine or network may be a gateway that pays by the token, so it makes nothing free.
    """
    host = urlsplit(base_url).hostname or ""
    for domain, provider in _KNOWN_HOSTS.items():
        if host == domain or host.endswith(f".{domain}"):
            return _listed(model, provider)
    return _listed(model, "")


def overridden(own: Price | None, costs: Mapping[str, Json]) -> Price:
    """The price with `input`, `output` and `cached` in US dollars for a million tokens, as the user says them."""
    cached = costs.get("cached")
    return dataclasses.replace(
        own or FREE,
        input=float(costs["input"]) / _MILLION,
        output=float(costs["output"]) / _MILLION,
        cached=None if cached is None else float(cached) / _MILLION,
        cache_write=None,
        tiers=(),
        origin="config",
    )


def price_origin(price: Price) -> str:
    """Where a price is from, as records say it."""
    return table_version() if price.origin == "table" else price.origin


def table_version() -> str:
    """The version of LiteLLM the table is from, and the digest of its map."""
    table = _table()
    return f"{table['source']} sha256:{table['sha256'][:12]}"


_KNOWN_HOSTS: Mapping[str, str] = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "api.deepseek.com": "deepseek",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral",
    "api.together.xyz": "together_ai",
    "api.x.ai": "xai",
    "openrouter.ai": "openrouter",
}


def _listed(model: str, provider: str) -> Price | None:
    models = _table()["models"]
    families = _FAMILIES.get(provider, (provider,) if provider not in ("", "litellm") else ())
    for name in (*(f"{family}/{model}" for family in families), model, model.partition("/")[2]):
        row = models.get(name)
        if row is None or (name != model and not name):
            continue
        prefix = (model.partition("/")[0],) if name == model.partition("/")[2] else ()
        wanted = (prefix and _FAMILIES.get(prefix[0], prefix)) or families
        if not wanted or name.partition("/")[0] in wanted or row[0].startswith(wanted):
            return _price(row)
    return None


@functools.lru_cache(maxsize=256)
def _parsed(row: str) -> Price:
    values = json.loads(row)
    values += [None] * (9 - len(values))
    _, cost_in, cost_out, cached, write, max_in, max_out, flags, tiers = values
    return Price(
        input=cost_in,
        output=cost_out,
        cached=cached,
        cache_write=write,
        max_input=max_in,
        max_output=max_out,
        takes_schema="s" in (flags or ""),
        tiers=tuple(Tier(*tier) for tier in tiers or ()),
    )


def _price(row: list[Json]) -> Price:
    return _parsed(json.dumps(row))


@functools.cache
def _table() -> dict[str, Json]:
    # msgspec takes a third of json's 8 ms, and a path a fifth of importlib.resources' 4 ms: each command needs it.
    table: dict[str, Json] = msgspec.json.decode(Path(__file__).with_name("prices.json").read_bytes())
    return table
