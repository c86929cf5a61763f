from pathlib import Path

import jsonschema
import pytest

from trainer.core.config import Config, json_schema, load_config
from trainer.core.config.schema import LLMProviderSettings, overridden
from trainer.core.errors import ConfigError
from trainer.core.secrets import MASK, mask_known
from trainer.core.yamltext import load_yaml

SPEC_EXAMPLE = Path(__file__).parent.parent / "corpus" / "core" / "spec_config.yaml"


def load(
    tmp_path: Path, text: str, *, environ: dict[str, str] | None = None, overrides: tuple[str, ...] = ()
) -> Config:
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(path, environ=environ or {}, overrides=overrides)


def test_the_complete_example_of_the_specification_is_accepted_unchanged() -> None:
    config = load_config(SPEC_EXAMPLE, environ={})

    assert config.settings.llm_provider.model == "gpt-4"
    assert str(config.unbuilt["data_etl.batch.default_schedule"]) == f"config.yaml:{line_of('default_schedule')}:23"
    assert len(config.unbuilt) == 29
    assert config.unset == {"llm_provider.api_key": "OPENAI_API_KEY", "data_store.connection_string": "MONGODB_URI"}


def line_of(word: str) -> int:
    lines = SPEC_EXAMPLE.read_text("utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if word in line)


@pytest.mark.parametrize(
    "setting",
    [
        "data_etl.batch.default_schedule=garbage",
        "data_etl.enabled=true",
        "vector_store.enabled=true",
        "app_builder.enabled=true",
        "analytics.data_store=oracle",
    ],
)
def test_a_setting_that_asks_for_what_is_not_built_is_refused_and_not_passed_over(tmp_path: Path, setting: str) -> None:
    key = setting.partition("=")[0]

    with pytest.raises(ConfigError, match=f"--set {key}: {key}: .* asks for what is not built yet"):
        load(tmp_path, "", overrides=(setting,))


def test_of_what_is_not_built_a_misspelt_key_is_told_like_any_other(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='unknown section "vector_stroe"'):
        load(tmp_path, "vector_stroe: {enabled: false}")
    with pytest.raises(
        ConfigError, match=r'unknown key "vector_store\.enabeld"\n  did you mean "vector_store\.enabled"'
    ):
        load(tmp_path, "vector_store: {enabeld: false}")


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path, "").settings

    assert settings.llm_provider.provider == "draft"
    assert settings.data_store.backend == "duckdb"
    assert settings.reports == {}


def test_a_flag_wins_over_the_environment_and_the_environment_over_the_file(tmp_path: Path) -> None:
    text = "llm_provider: {model: file, retries: 1, timeout: 5s}"
    environ = {"TRAINER_LLM_PROVIDER__MODEL": "environment", "TRAINER_LLM_PROVIDER__RETRIES": "2"}

    config = load(tmp_path, text, environ=environ, overrides=("llm_provider.model=flag",))

    provider = config.settings.llm_provider
    assert (provider.model, provider.retries, provider.timeout) == ("flag", 2, "5s")
    origins = {key: origin for key, _, origin in config.shown()}
    assert origins["llm_provider.model"] == "flag --set llm_provider.model"
    assert origins["llm_provider.retries"] == "environment TRAINER_LLM_PROVIDER__RETRIES"
    assert origins["llm_provider.timeout"] == "file config.yaml:1:50"
    assert origins["llm_provider.concurrency"] == "default"


def test_a_variable_is_read_from_the_environment_with_default_and_escape(tmp_path: Path) -> None:
    text = 'llm_provider: {model: "${M}", api_base: "http://${HOST:-localhost}/v1", provider: "$${M}"}'

    provider = load(tmp_path, text, environ={"M": "m"}).settings.llm_provider

    assert (provider.model, provider.api_base, provider.provider) == ("m", "http://localhost/v1", "${M}")


def test_a_required_value_whose_variable_is_not_set_names_the_variable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, "data_store: {backend: '${BACKEND}'}")

    assert str(caught.value) == (
        "config.yaml:1:23: data_store.backend: expected text, got nothing\n  set the environment variable BACKEND"
    )


def test_all_problems_of_a_file_are_told_at_once_with_place_and_nearest_name(tmp_path: Path) -> None:
    text = "llm_provder: {}\nllm_provider:\n  temprature: 1\n  retries: many\nreports:\n  a: {params: {}}\n  b: 3\n"

    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)

    assert [str(problem.where) for problem in caught.value.problems] == [
        "config.yaml:1:1",
        "config.yaml:3:3",
        "config.yaml:4:12",
        "config.yaml:6:6",
        "config.yaml:7:6",
    ]
    assert caught.value.problems[1].hint == 'did you mean "llm_provider.temperature"?'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a list", "config.yaml:1:1: the file must be a mapping of sections"),
        ("a: [1", "config.yaml:2:1: not valid YAML: "),
        ("mart: {enabled: maybe}", "config.yaml:1:17: mart.enabled: expected true or false, got text"),
        ("llm_provider: {temperature: 3}", "config.yaml:1:29: llm_provider.temperature: expected a number <= 2.0"),
        ("budget: {run: -1}", "config.yaml:1:15: budget.run: expected a number >= 0.0"),
        ("checks: {policy: shout}", "config.yaml:1:18: checks.policy: invalid enum value 'shout'"),
        ("mart: {}\nmart: {}", 'config.yaml:2:1: the key "mart" stands twice'),
        ("mart: !!python/none {}", "config.yaml:1:7"),
        ("reports: [a]", "config.yaml:1:10: reports must be a mapping of names"),
    ],
)
def test_a_broken_file_is_told_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)

    assert str(caught.value).startswith(message)


def test_a_file_that_is_not_utf8_is_told_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"site:\n  title: caf\xe9\n")

    with pytest.raises(ConfigError, match=r"config.yaml:2:13: not UTF-8 text \(byte 0xe9\)"):
        load_config(path, environ={})


@pytest.mark.parametrize("override", ["x", "a=b=", "=1", "mart.=1", "mart.enabld=true", "nothing.at=all"])
def test_a_wrong_override_is_an_error(tmp_path: Path, override: str) -> None:
    with pytest.raises(ConfigError):
        load(tmp_path, "", overrides=(override,))


def test_secrets_are_masked_when_settings_are_shown(tmp_path: Path) -> None:
    rows = load(tmp_path, "llm_provider: {api_key: sk-very-secret}").shown()

    assert ("llm_provider.api_key", "********", "file config.yaml:1:25") in rows
    assert not any("sk-very" in str(row) for row in rows)


def test_whatever_a_variable_filled_is_masked_when_shown_and_in_every_text_from_then_on(tmp_path: Path) -> None:
    text = """
data_retriever:
  sources:
    api:
      base_url: "https://bob:${PW}@host/v1"
      headers: {X-Thing: "${PW}", Accept: text/html, Authorization: Basic abcdefgh}
      params: {q: ["${PW}", "${SHORT}", "${NONE:-default}"]}
"""
    config = load(tmp_path, text, environ={"PW": "canary+KEY/98765==", "SHORT": "ABBV"})
    rows = {key: value for key, value, _ in config.shown()}

    sources = "data_retriever.sources.api"
    assert rows[f"{sources}.base_url"] == f"https://{MASK}@host/v1"
    assert rows[f"{sources}.headers.X-Thing"] == MASK
    assert rows[f"{sources}.headers.Accept"] == "text/html"
    assert rows[f"{sources}.headers.Authorization"] == MASK
    assert rows[f"{sources}.params.q"] == [MASK, MASK, "default"]
    assert mask_known("it was canary+KEY/98765== or canary%2BKEY%2F98765%3D%3D") == f"it was {MASK} or {MASK}"


def test_a_section_can_be_overridden_for_one_report() -> None:
    changed = overridden(LLMProviderSettings(model="a", retries=1), {"model": "b"}, what="reports.x.model")

    assert (changed.model, changed.retries) == ("b", 1)


def test_an_unknown_override_of_a_report_names_the_nearest_key() -> None:
    with pytest.raises(ConfigError, match=r'unknown key "reports.x.model.temprature"') as caught:
        overridden(LLMProviderSettings(), {"temprature": 1}, what="reports.x.model")

    assert caught.value.hint == 'did you mean "reports.x.model.temperature"?'


def test_the_json_schema_accepts_the_example_and_refuses_an_unknown_key() -> None:
    schema = json_schema()
    example = load_yaml(SPEC_EXAMPLE.read_text(encoding="utf-8"), shown="x").value

    jsonschema.validate(example, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"llm_provider": {"temprature": 1}}, schema)


def test_numbers_keep_their_spelling_where_no_type_is_declared_and_are_numbers_where_one_is(tmp_path: Path) -> None:
    text = """
llm_provider: {temperature: 0.20, retries: 7}
reports:
  r:
    instruction: a.md
    params: {CODE: 000001, SHARE: 1.10, YEAR: 2024}
    matrix: {ZIP: [02700, 2.0]}
    data: {quote: {source: file, ticker: 000001}}
    model: {temperature: 0.70}
"""
    settings = load(tmp_path, text, overrides=("reports.r.params.SHARE=1.20",)).settings

    report = settings.reports["r"]
    assert (settings.llm_provider.temperature, settings.llm_provider.retries) == (0.2, 7)
    assert report.params == {"CODE": "000001", "SHARE": "1.20", "YEAR": 2024}
    assert report.matrix == {"ZIP": ["02700", "2.0"]}
    assert report.data == {"quote": {"source": "file", "ticker": "000001"}}
    assert report.model == {"temperature": 0.7}


def test_a_misspelt_format_is_told_with_its_place_the_nearest_and_the_list(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, "reports: {r: {instruction: a.md, formats: [md, htm]}}")

    assert str(caught.value).startswith(
        'config.yaml:1:48: reports.r.formats.1: unknown output format "htm"\n  did you mean "html"? known: asciidoc, '
    )


def test_a_setting_has_the_place_of_the_first_below_it(tmp_path: Path) -> None:
    config = load(tmp_path, "data_retriever:\n  sources:\n    api: {ttl: 3}\n")

    assert config.origin("data_retriever.sources.api").place.endswith("config.yaml:3:16")
    assert config.origin("data_store") is None


TARGETS = """\
llm_provider: {provider: draft, temperature: 0.5}
reports:
  a: {instruction: a.md, params: {N: 1}, formats: [md, html]}
targets:
  dev:
    llm_provider: {model: small}
    reports: {a: {formats: [md], params: {N: 007}}}
  odd:
    llm_provider: {modell: x}
"""


def test_a_target_lies_over_the_file_and_below_the_environment(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(TARGETS)

    plain = load_config(path, environ={})
    chosen = load_config(path, environ={"TRAINER_TARGET": "dev"})
    over = load_config(path, environ={"TRAINER_LLM_PROVIDER__MODEL": "big"}, target="dev")

    assert (plain.target, plain.settings.llm_provider.model) == (None, "")
    assert (chosen.target, chosen.settings.llm_provider.model) == ("dev", "small")
    assert chosen.settings.llm_provider.temperature == 0.5
    assert chosen.settings.reports["a"].formats == ["md"]
    assert chosen.settings.reports["a"].params == {"N": "007"}
    assert str(chosen.origin("llm_provider.model").place) == "config.yaml:6:27"
    assert over.settings.llm_provider.model == "big"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("odd", 'config.yaml:9:20: unknown key "llm_provider.modell"\n  did you mean "llm_provider.model"?'),
        ("de", 'unknown target "de"\n  did you mean "dev"?'),
    ],
)
def test_what_is_wrong_with_a_target_is_told_with_its_place(tmp_path: Path, target: str, message: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(TARGETS)

    with pytest.raises(ConfigError) as caught:
        load_config(path, environ={}, target=target)

    assert message in str(caught.value)
