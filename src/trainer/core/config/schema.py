"""Every setting there is: one struct a section, one description a key.

The section and key names of the specification are public; `${NAME}` in any string is read from the environment.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from trainer.core.clock import parse_duration
from trainer.core.config.unbuilt import add_unbuilt
from trainer.core.digest import pick
from trainer.core.errors import ConfigError, unknown
from trainer.core.formats import output_names

T = TypeVar("T")
FailurePolicy = Literal["warn", "repair", "block"]
Positive = Annotated[int, Meta(ge=1)]
Natural = Annotated[int, Meta(ge=0)]
Money = Annotated[float, Meta(ge=0)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
Url = Annotated[str, Meta(pattern=r"^https?://[^/\s]+\S*$")]
OutputFormat = Annotated[str, Meta(extra_json_schema={"enum": output_names()})]
Temperature = Annotated[float, Meta(ge=0, le=2)]


class PromptManagerSettings(Struct, frozen=True, kw_only=True):
    """Where prompts are made from."""

    context_dir: Annotated[str, Meta(description="Folder of the contexts.")] = "information/context"
    instruction_dir: Annotated[str, Meta(description="Folder of the instructions.")] = "information/instructions"
    cache_enabled: Annotated[bool, Meta(description="Keep prompts in memory (Python API).")] = True
    cache_ttl: Annotated[int, Meta(description="Seconds a rendered prompt is kept.")] = 3600
    max_tokens: Annotated[int | None, Meta(description="Most tokens of a prompt; contexts are cut to fit.")] = None


class Fallback(Struct, frozen=True, kw_only=True):
    """The next model to ask when one fails."""

    provider: Annotated[str, Meta(description="Name of the provider.")]
    model: Annotated[str, Meta(description="Name of the model.")] = ""
    api_key: Annotated[str | None, Meta(description="Key; best as ${NAME}.")] = None
    api_base: Annotated[str | None, Meta(description="Base URL of the server.")] = None
    options: Annotated[dict[str, Any], Meta(description="Options of this provider.")] = field(default_factory=dict)


class PriceSettings(Struct, frozen=True, kw_only=True):
    """A price that overrides the built-in table."""

    input: Annotated[float, Meta(description="US dollars for a million input tokens.")]
    output: Annotated[float, Meta(description="US dollars for a million output tokens.")]
    cached: Annotated[
        float | None, Meta(description="US dollars for a million input tokens that the provider had in its cache.")
    ] = None


class LLMProviderSettings(Struct, frozen=True, kw_only=True):
    """The model that writes."""

    provider: Annotated[
        str, Meta(description="draft, replay, openai_compatible, litellm, openai, anthropic, ollama …")
    ] = "draft"
    model: Annotated[str, Meta(description="Name of the model.")] = ""
    api_key: Annotated[str | None, Meta(description="Key; best as ${NAME}.")] = None
    api_base: Annotated[str | None, Meta(description="Base URL of an OpenAI-compatible server.")] = None
    temperature: Annotated[Temperature | None, Meta(description="Sampling temperature.")] = None
    top_p: Annotated[Fraction | None, Meta(description="Nucleus sampling.")] = None
    max_tokens: Annotated[Positive | None, Meta(description="Most tokens of an answer.")] = None
    seed: Annotated[int | None, Meta(description="Seed, for models that take one.")] = None
    timeout: Annotated[str, Meta(description="Longest wait for one attempt, such as 120s.")] = "120s"
    retries: Annotated[Natural, Meta(description="Further attempts after a passing failure.")] = 10
    concurrency: Annotated[
        Positive | None, Meta(description="Most calls under way at once; where it is not set, the records decide.")
    ] = None
    requests_per_minute: Annotated[Positive | None, Meta(description="Most requests a minute.")] = None
    tokens_per_minute: Annotated[Positive | None, Meta(description="Most tokens a minute.")] = None
    cache_mb: Annotated[Natural, Meta(description="Most megabytes of kept completions and prompts.")] = 1000
    fallbacks: Annotated[list[Fallback], Meta(description="Models to ask next, in order.")] = field(
        default_factory=list
    )
    options: Annotated[dict[str, Any], Meta(description="Options of this provider.")] = field(default_factory=dict)
    prices: Annotated[dict[str, PriceSettings], Meta(description="Prices by model, over the built-in table.")] = field(
        default_factory=dict
    )


class SpendLimit(Struct, frozen=True, kw_only=True):
    """The most that a department, a user or a model may cost in a window (UTC); a name that is not set is any."""

    usd: Annotated[Money, Meta(description="US dollars.")]
    window: Annotated[Literal["day", "week", "month", "ever"], Meta(description="day, week, month or ever.")] = "month"
    department: Annotated[str | None, Meta(description="As mart.department of who runs.")] = None
    user: Annotated[str | None, Meta(description="As mart.actor of who runs.")] = None
    model: Annotated[str | None, Meta(description="Name of the model.")] = None


class BudgetSettings(Struct, frozen=True, kw_only=True):
    """The most that may be spent, in US dollars; nothing is sent beyond."""

    run: Annotated[Money | None, Meta(description="Each command.")] = None
    project: Annotated[Money | None, Meta(description="This project, ever.")] = None
    month: Annotated[Money | None, Meta(description="Each calendar month (UTC).")] = None
    limits: Annotated[list[SpendLimit], Meta(description="Of departments, users and models.")] = field(
        default_factory=list
    )
    alert_at: Annotated[Fraction, Meta(description="Share of a limit from which on `trainer mart spend` warns.")] = 0.8


class DataStoreSettings(Struct, frozen=True, kw_only=True):
    """Where retrieved data is kept."""

    backend: Annotated[str, Meta(description="duckdb, sqlite, postgresql, mongodb, redis or hybrid.")] = "duckdb"
    connection_string: Annotated[str | None, Meta(description="URL of the server; best as ${NAME}.")] = None
    database: Annotated[str | None, Meta(description="Database name on the server.")] = None
    database_path: Annotated[str | None, Meta(description="File of duckdb or sqlite.")] = None
    options: Annotated[dict[str, Any], Meta(description="Options of this backend.")] = field(default_factory=dict)


class DataRetrieverSettings(Struct, frozen=True, kw_only=True):
    """Where data comes from."""

    provider: Annotated[str, Meta(description="Source of queries that name none.")] = "file"
    auto_store: Annotated[bool, Meta(description="Store what `trainer retrieve` fetches; reports always do.")] = True
    cache_enabled: Annotated[bool, Meta(description="Use stored data while it is fresh.")] = True
    when_down: Annotated[
        Literal["mark", "fail"],
        Meta(description="When a source is down and stored data is too old: use it and mark the report, or fail."),
    ] = "mark"
    sources: Annotated[dict[str, dict[str, Any]], Meta(description="Options of each source, by its name.")] = field(
        default_factory=dict
    )
    streams: Annotated[
        dict[str, dict[str, Any]], Meta(description="What is read on, by a name of your own: kind, and its settings.")
    ] = field(default_factory=dict)


class Ingest(Struct, frozen=True, kw_only=True):
    """Where incoming files lie."""

    folders: Annotated[list[str], Meta(description="Folders that `trainer ingest` without a path goes through.")] = (
        field(default_factory=list)
    )
    settle: Annotated[str, Meta(description="How long a watched file must rest before it is read.")] = "2s"
    rules: Annotated[
        list[str],
        Meta(description="Rules of quality: global, finance, biotech, legal, insurance, manufacturing, or YAML files."),
    ] = field(default_factory=lambda: ["global"])

    @property
    def settle_seconds(self) -> float:
        """`settle` in seconds."""
        return parse_duration(self.settle)


class FormatConverterSettings(Struct, frozen=True, kw_only=True):
    """How reports look."""

    default_template: Annotated[str | None, Meta(description="Jinja2 template of the HTML page.")] = None
    default_css: Annotated[str | None, Meta(description="Stylesheet added to the theme.")] = None
    page_size: Annotated[str, Meta(description="Paper of the PDF: A4, Letter …")] = "A4"


class RateLimiting(Struct, frozen=True, kw_only=True):
    """How often models are asked, by all processes of a user on a machine together."""

    enabled: Annotated[bool, Meta(description="Whether the limit holds.")] = False
    requests_per_minute: Annotated[Positive, Meta(description="Most prompts sent to one provider in a minute.")] = 60


class SecurityRule(Struct, frozen=True, kw_only=True):
    """What is decided on some flags of the screen; the first rule that covers a flag counts."""

    flags: Annotated[
        list[str], Meta(min_length=1, description="Flags, * for any letters: injection.*, output.image, secret.jwt.")
    ]
    then: Annotated[
        Literal["pass", "warn", "block"],
        Meta(description="pass: as if it were not there; warn: told, but sent and written; block: refused."),
    ]
    reason: Annotated[str, Meta(min_length=1, description="Why, for whoever reads the refusal or the review.")]
    sources: Annotated[
        list[str],
        Meta(description="Only in these: names of sources, data:NAME, param:NAME, paths of contexts or files, answer."),
    ] = field(default_factory=list)
    instructions: Annotated[list[str], Meta(description="Only in prompts of these instructions.")] = field(
        default_factory=list
    )
    until: Annotated[date | None, Meta(description="The last day on which it holds.")] = None


class PersonalData(Struct, frozen=True, kw_only=True):
    """What becomes of personal data before it is stored, recorded or sent."""

    treatment: Annotated[
        Literal["mask", "hash", "token"] | None,
        Meta(description="mask, hash (keyed), or token (restored with the key); without it, it stays as it is."),
    ] = None
    kinds: Annotated[
        list[str],
        Meta(description="Kinds to treat: email, phone, card, iban, ip, national_id …; else all."),
    ] = field(default_factory=list)


class PromptSecurity(Struct, frozen=True, kw_only=True):
    """Screening of what enters a prompt."""

    enabled: Annotated[bool, Meta(description="Whether prompts are screened.")] = True
    level: Annotated[
        Literal["strict", "moderate", "permissive"] | None,
        Meta(description="From which risk on a text is unsafe; without it strict_mode decides."),
    ] = None
    enable_ml_detection: Annotated[bool, Meta(description="Ask the classifier too, not the rules alone.")] = True
    rate_limiting: Annotated[RateLimiting, Meta(description="A limit of prompts sent.")] = field(
        default_factory=RateLimiting
    )
    strict_mode: Annotated[bool, Meta(description="Refuse what is suspicious, not only what is clearly unsafe.")] = (
        False
    )
    max_length: Annotated[Positive, Meta(description="Most characters of one parameter.")] = 1000
    log_security_events: Annotated[bool, Meta(description="Record what the screen found in each report.")] = True
    audit: Annotated[bool, Meta(description="Keep a chained log of the prompts sent to models.")] = True
    allow: Annotated[list[str], Meta(description="Flags that are let through.")] = field(default_factory=list)
    block: Annotated[list[str], Meta(description="Phrases that are always refused.")] = field(default_factory=list)
    rules: Annotated[list[SecurityRule], Meta(description="What is decided on which flags, where, and why.")] = field(
        default_factory=list
    )
    personal: Annotated[PersonalData, Meta(description="Masking of personal data.")] = field(
        default_factory=PersonalData
    )
    allowed_hosts: Annotated[
        list[str], Meta(description="Hosts, with those below them, that pictures and links in answers may call.")
    ] = field(default_factory=list)

    @property
    def chosen_level(self) -> Literal["strict", "moderate", "permissive"]:
        """`level`, else what `strict_mode` says."""
        return self.level or ("strict" if self.strict_mode else "moderate")


class Checks(Struct, frozen=True, kw_only=True):
    """What happens to a completion before it is written."""

    policy: Annotated[
        FailurePolicy, Meta(description="warn, repair (one more call) or block (keep the former report).")
    ] = "warn"
    enabled: Annotated[bool, Meta(description="Whether completions are checked at all.")] = True
    marks: Annotated[bool, Meta(description="Mark unverified figures in the report.")] = True
    appendix: Annotated[bool, Meta(description="Add the appendix Sources of figures.")] = True
    opinion: Annotated[bool, Meta(description="Ask the model for a second opinion; it only gives notes.")] = False


class Utility(Struct, frozen=True, kw_only=True):
    """What money and time are worth, in quality from 0 to 1: utility = quality - cost x USD - seconds x s."""

    cost: Annotated[float, Meta(ge=0, description="Quality that one US dollar has to buy.")] = 1.0
    seconds: Annotated[float, Meta(ge=0, description="Quality that one second has to buy.")] = 0.001


class Explore(Struct, frozen=True, kw_only=True):
    """How much of the candidates is tried beside the approved configuration."""

    enabled: Annotated[bool, Meta(description="Whether candidates are tried at all.")] = True
    share: Annotated[Fraction, Meta(description="Of the runs, at most; at 1.0 the records decide every run.")] = 0.2
    quality_floor: Annotated[Fraction, Meta(description="What is surely below this quality is not tried again.")] = 0.0
    spend: Annotated[Money | None, Meta(description="Most US dollars that trying may cost in an operation.")] = None
    seed: Annotated[int | None, Meta(description="Seed of the choices, so that CI repeats them.")] = None


class Mart(Struct, frozen=True, kw_only=True):
    """The records of what was run, and what is learned from them."""

    enabled: Annotated[bool, Meta(description="Whether executions are recorded.")] = True
    durability: Annotated[Literal["fast", "safe"], Meta(description="fast survives a kill, safe a power cut.")] = "fast"
    keep_days: Annotated[
        Positive, Meta(description="Days for which records are not pruned; 2557 are the seven years of an audit.")
    ] = 2557
    legal_hold: Annotated[bool, Meta(description="Whether nothing at all is pruned.")] = False
    actor: Annotated[str | None, Meta(description="Who runs; else CI's actor, git's user.email, or the user.")] = None
    department: Annotated[str | None, Meta(description="For whom; budgets and reports of spend go by it.")] = None
    candidates: Annotated[
        dict[str, list[dict[str, Any]]],
        Meta(description="By operation (report, run, or module.operation), settings to try; the first is approved."),
    ] = field(default_factory=dict)
    explore: Explore = field(default_factory=Explore)
    utility: Utility = field(default_factory=Utility)


class Governance(Struct, frozen=True, kw_only=True):
    """What enters the catalogue's tables without a person, and who is told of what waits."""

    approve_above: Annotated[
        Fraction, Meta(description="Row insertions with more confidence are approved; 1 approves none.")
    ] = 0.9
    approve_schema: Annotated[bool, Meta(description="Whether the same holds for new tables and changed schemas.")] = (
        False
    )
    expire_after: Annotated[str, Meta(description="When a proposal that nobody decided expires: 30d; 0 for never.")] = (
        "30d"
    )
    low_trust: Annotated[Fraction, Meta(description="Below it a row's trust is worth a notification.")] = 0.5
    notify_command: Annotated[
        list[str], Meta(description="Program and arguments to run when something waits, fails or drops in trust.")
    ] = field(default_factory=list)
    notify_webhook: Annotated[Url | None, Meta(description="Address that the same is posted to, as JSON.")] = None


class Site(Struct, frozen=True, kw_only=True):
    """The index of all reports."""

    title: Annotated[str, Meta(description="Title of output/index.html.")] = "Reports"
    url: Annotated[Url | None, Meta(description="Where output/ is published; the Atom feed needs it.")] = None
    folder: Annotated[str, Meta(description="Folder that reports are written to, below the project.")] = "output"


class Hook(Struct, frozen=True, kw_only=True):
    """What is run when something happened; it is told as JSON what did."""

    command: Annotated[list[str], Meta(description="Program and arguments; it reads the JSON from stdin.")] = field(
        default_factory=list
    )
    webhook: Annotated[Url | None, Meta(description="Address that the JSON is posted to.")] = None


class Hooks(Struct, frozen=True, kw_only=True):
    """What follows a command."""

    after_build: Annotated[Hook, Meta(description="After `trainer report` built something.")] = field(
        default_factory=Hook
    )


class Report(Struct, frozen=True, kw_only=True):
    """One report, or a family of them by `matrix`."""

    instruction: Annotated[str, Meta(description="Path in the instruction folder.")]
    title: Annotated[str | None, Meta(description="Title, over the instruction's.")] = None
    params: Annotated[dict[str, Any], Meta(description="Values of the instruction's parameters.")] = field(
        default_factory=dict
    )
    matrix: Annotated[dict[str, list[Any]], Meta(description="One report for each combination.")] = field(
        default_factory=dict
    )
    formats: Annotated[list[OutputFormat], Meta(description="Files to write, by any name of their format.")] = field(
        default_factory=lambda: ["md", "html", "pdf"]
    )
    contexts: Annotated[list[str] | None, Meta(description="Contexts, over the instruction's.")] = None
    data: Annotated[dict[str, dict[str, Any]], Meta(description="Data queries, over the instruction's.")] = field(
        default_factory=dict
    )
    model: Annotated[dict[str, Any], Meta(description="Settings of llm_provider for this report.")] = field(
        default_factory=dict
    )
    checks: Annotated[dict[str, Any], Meta(description="Settings of checks for this report.")] = field(
        default_factory=dict
    )
    template: Annotated[str | None, Meta(description="Template, over the default.")] = None
    css: Annotated[str | None, Meta(description="Stylesheet, over the default.")] = None
    tags: Annotated[list[str], Meta(description="Words that `report --tag` selects it by.")] = field(
        default_factory=list
    )


class Settings(Struct, frozen=True, kw_only=True):
    """All of config.yaml."""

    prompt_manager: PromptManagerSettings = field(default_factory=PromptManagerSettings)
    llm_provider: LLMProviderSettings = field(default_factory=LLMProviderSettings)
    budget: BudgetSettings = field(default_factory=BudgetSettings)
    data_store: DataStoreSettings = field(default_factory=DataStoreSettings)
    data_retriever: DataRetrieverSettings = field(default_factory=DataRetrieverSettings)
    ingest: Ingest = field(default_factory=Ingest)
    format_converter: FormatConverterSettings = field(default_factory=FormatConverterSettings)
    prompt_security: PromptSecurity = field(default_factory=PromptSecurity)
    checks: Checks = field(default_factory=Checks)
    mart: Mart = field(default_factory=Mart)
    governance: Governance = field(default_factory=Governance)
    site: Site = field(default_factory=Site)
    hooks: Hooks = field(default_factory=Hooks)
    reports: Annotated[dict[str, Report], Meta(description="The reports, by name.")] = field(default_factory=dict)
    targets: Annotated[
        dict[str, dict[str, Any]],
        Meta(description="By a name for --target, settings that take the place of those above."),
    ] = field(default_factory=dict)


def overridden(section: T, changes: Mapping[str, Any], *, what: str) -> T:
    """The struct with some keys replaced; raises ConfigError, naming `what`, for an unknown key or a wrong type."""
    names: tuple[str, ...] = section.__struct_fields__  # type: ignore[attr-defined]
    for key in changes:
        if key not in names:
            message, hint = unknown("key", f"{what}.{key}", [f"{what}.{name}" for name in names])
            raise ConfigError(message, hint=hint)
    own = pick(section, *names)
    try:
        return msgspec.convert(msgspec.to_builtins({**own, **changes}), type(section), strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{what}: {error}") from None


def json_schema() -> dict[str, Any]:
    """A JSON Schema of config.yaml, for editors; unknown keys are refused as `load_config` does."""
    schema = msgspec.json.schema(Settings)
    for definition in schema["$defs"].values():
        if definition.get("type") == "object":
            definition.setdefault("additionalProperties", False)
    add_unbuilt(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
