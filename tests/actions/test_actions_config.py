from pathlib import Path

import pytest

from trainer.actions.config import check_config
from trainer.core.errors import TrainerError
from trainer.core.project import open_project

FIELD = "---\ndata:\n  d: {source: file, path: information/data/d.json}\n---\nRevenue is {{ d.revenu }}.\n"


def project(folder: Path, config: str, **instructions: str) -> Path:
    for name in ("information/instructions", "information/data"):
        (folder / name).mkdir(parents=True)
    (folder / "information/data/d.json").write_text('{"revenue": 5}')
    (folder / "config.yaml").write_text(config)
    for name, text in instructions.items():
        (folder / f"information/instructions/{name}.md").write_text(text)
    return folder


def problems(folder: Path, *overrides: str) -> str:
    with pytest.raises(TrainerError) as caught:
        check_config(open_project(folder, environ={}, overrides=overrides))
    return str(caught.value)


def test_a_field_that_a_template_misspells_is_told_beforehand(tmp_path: Path) -> None:
    told = problems(project(tmp_path, "reports: {u: {instruction: u.md, formats: [md]}}", u=FIELD))

    assert told == 'information/instructions/u.md:5:12: unknown field "revenu"\n  did you mean "revenue"?'


def test_a_data_file_that_is_not_there_is_told_beforehand(tmp_path: Path) -> None:
    text = FIELD.replace("d.json", "e.json").replace("revenu }", "revenue }")

    assert "information/data/e.json" in problems(project(tmp_path, "reports: {u: {instruction: u.md}}", u=text))


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("data_store.backend=oracle", 'data_store.backend: unknown store "oracle"'),
        ("llm_provider.provider=opanai", 'llm_provider.provider: unknown provider "opanai"\n  did you mean "openai"?'),
        ("data_retriever.provider=nope", 'unknown source "nope"'),
        ("llm_provider.timeout=soon", 'llm_provider.timeout: "soon" is not a duration'),
        ("format_converter.page_size=A77", 'unknown size of paper "A77"'),
    ],
)
def test_what_a_setting_names_must_exist(tmp_path: Path, setting: str, words: str) -> None:
    folder = project(tmp_path, "reports: {}")

    assert words in problems(folder, setting)
    assert f"--set {setting.partition('=')[0]}" in problems(folder, setting)


def test_settings_without_effect_are_named(tmp_path: Path) -> None:
    folder = project(tmp_path, "vector_store: {enabled: false}\nanalytics: {enabled: true}")

    assert check_config(open_project(folder, environ={})).warnings == (
        "config.yaml:1:25: vector_store.enabled has no effect yet",
        "config.yaml:2:22: analytics.enabled has no effect yet",
    )


def test_variables_that_are_not_set_are_named(tmp_path: Path) -> None:
    folder = project(tmp_path, "llm_provider: {provider: draft, api_key: '${NO_SUCH_KEY}', model: '${MODEL:-m}'}")

    assert check_config(open_project(folder, environ={})).warnings == (
        "config.yaml:1:42: llm_provider.api_key is ${NO_SUCH_KEY}, which is not set",
    )


def test_an_instruction_outside_the_project_is_not_read(tmp_path: Path) -> None:
    folder = project(tmp_path / "project", "reports: {u: {instruction: ../../../outside.md}}")
    (tmp_path / "outside.md").write_text("secret")
    (folder / "information/instructions/link.md").symlink_to(tmp_path / "outside.md")

    assert "the instruction lies outside the project: ../../../outside.md" in problems(folder)
    assert "the instruction lies outside the project: link" in problems(folder, "reports.u.instruction=link")
