"""The models that settings name, with what they cost and hold."""

from pathlib import Path

from trainer.actions.models import list_models
from trainer.core.project import open_project

CONFIG = """
llm_provider:
  provider: openai
  model: gpt-4o-mini
  prices: {house-model: {input: 1, output: 2}}
  fallbacks: [{provider: anthropic, model: claude-nobody-knows}]
"""


def test_the_models_of_the_settings_have_prices_windows_and_what_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG)
    listings = list_models(open_project(tmp_path, explicit=None, environ={}))

    assert [(one.provider, one.model, one.price_origin) for one in listings] == [
        ("openai", "gpt-4o-mini", "table"),
        ("anthropic", "claude-nobody-knows", ""),
        ("openai", "house-model", "config"),
    ]
    first, unknown, own = listings
    assert (first.input_per_million, first.output_per_million, first.context_window) == (0.15, 0.6, 128_000)
    assert first.takes_schema
    assert (unknown.input_per_million, unknown.context_window) == (None, None)
    assert (own.input_per_million, own.output_per_million) == (1.0, 2.0)


def test_a_provider_is_asked_for_all_that_it_offers(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("llm_provider: {provider: draft}\n")

    listings = list_models(open_project(tmp_path, explicit=None, environ={}), provider="draft")

    assert [(one.provider, one.model) for one in listings] == [("draft", "draft")]
