"""What models cost and hold, from a table made of LiteLLM's own map; an unknown price is None, never 0."""

from __future__ import annotations

import dataclasses
import functools
import importlib.resources
import ipaddress
import json
from collections.abc import Mapping
from urllib.parse import urlsplit

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


def price(model: str, *, provider: str = "", overrides: Mapping[str, Json] | None = None) -> Price | None:
    """What `model` costs at `provider`; None where that is not known.

    `overrides` maps model names to `{input, output}` in US dollars for a million tokens, and wins.
    """
    if provider == "draft":
        return FREE
    own = _override(model, overrides or {})
    return own or _listed(model, provider)


def price_at(model: str, base_url: str, *, overrides: Mapping[str, Json] | None = None) -> Price | None:
    """What `model` costs at an address: nothing on this machine or network, OpenAI's price at OpenAI."""
    if own := _override(model, overrides or {}):
        return own
    host = urlsplit(base_url).hostname or ""
    if is_local(host):
        return FREE
    for domain, provider in _KNOWN_HOSTS.items():
        if host == domain or host.endswith(f".{domain}"):
            return _listed(model, provider)
    return None


def estimate(
    tokens_in: int,
    max_tokens: int,
    model: str,
    *,
    provider: str = "",
    overrides: Mapping[str, Json] | None = None,
) -> float | None:
    """The most a request can cost in US dollars; None where the price is not known."""
    found = price(model, provider=provider, overrides=overrides)
    return found.cost(tokens_in, max_tokens) if found else None


def table_version() -> str:
    """The version of LiteLLM the table is from, and the digest of its map."""
    table = _table()
    return f"{table['source']} sha256:{table['sha256'][:12]}"


def is_local(host: str) -> bool:
    """Whether a host name or address is of this machine or network."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal")) or "." not in host
    return address.is_loopback or address.is_private


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


def _override(model: str, overrides: Mapping[str, Json]) -> Price | None:
    found = overrides.get(model)
    if found is None:
        return None
    pair = (found["input"], found["output"]) if isinstance(found, Mapping) else (found.input, found.output)
    listed = _listed(model, "")
    own = Price(pair[0] / _MILLION, pair[1] / _MILLION, origin="config")
    if listed is None:
        return own
    return dataclasses.replace(
        own, max_input=listed.max_input, max_output=listed.max_output, takes_schema=listed.takes_schema
    )


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
    text = importlib.resources.files("trainer.providers").joinpath("prices.json").read_text("utf-8")
    table: dict[str, Json] = json.loads(text)
    return table
