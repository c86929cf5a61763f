"""The choice of a model and what it costs."""

from pathlib import Path

from trainer.actions.model import choose_model, drafted, make_chain
from trainer.core.project import open_project

SETTINGS = """llm_provider:
  provider: openai_compatible
  model: m
  api_base: http://127.0.0.1:9/v1
  prices: {m: {input: 1, output: 1}}
"""


def test_a_draft_costs_nothing_whatever_model_the_settings_price(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(SETTINGS, encoding="utf-8")
    project = open_project(tmp_path, environ={})
    choice = choose_model(project, {}, what="test")

    asked, draft = (make_chain(project, way)[0].price for way in (choice, drafted(choice)))

    assert asked is not None
    assert draft is not None
    assert asked.input > 0
    assert draft.input == draft.output == 0
