"""The values of the journey: frozen, each with the digest of what made it, none with a reference back.

query -> RetrievalResult -> StoredData -> DataBlock -> Prompt -> CompletionResult -> Report
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias

from trainer.core.clock import Moment
from trainer.core.digest import digest, pick
from trainer.core.errors import Problem, Where

Json: TypeAlias = Any
"""What JSON can hold: dict with str keys, list, str, int, float, bool or None."""

CompletionOrigin = Literal["fresh", "cached", "replayed", "drafted"]
"""How a completion was got: paid for now, from the cache, from a cassette, or written without a model."""

FIGURE_MARKS = {"contradicted": "‡", "unsupported": "†", "accepted": "✓"}
"""What stands behind a figure of a report that is not verified, by what became of it."""

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Field:
    """What one datum means; sources say it, the draft writer and the checks use it."""

    title: str
    """As a table's row would call it: `Market capitalisation`."""
    unit: str = ""
    """An ISO currency (`USD`), `USD/share`, `fraction` (0.05 is 5 %), `percent`, `ratio`, `count`, `shares`,
    `date`, `text`, or nothing where it has none."""
    description: str = ""
    """One sentence on what it measures."""


@dataclass(frozen=True, slots=True)
class RetrievalResult:
    """One answer of one source."""

    data: dict[str, Json]
    """Normalised to the source's schema."""
    source: str
    """The source's name: `yahoo_finance`."""
    retrieved_at: datetime
    """When the data was fetched; for data kept in files, when it says it was. UTC."""
    metadata: dict[str, Json] = field(default_factory=dict)
    """`subject` (what the data is about), `as_of` (the date it is valid for), `url`, `query`, `warnings` (what is odd
    about the data), and `fields`: a mapping of dotted path (list indices left out) to `{title, unit, description}`."""
    storage_key: str | None = None
    """Its key in the store, once stored."""

    @property
    def digest(self) -> str:
        """The digest of the data alone: equal data is equal whenever it was fetched."""
        return digest(self.data)


@dataclass(frozen=True, slots=True)
class StoredData:
    """One version of one document in a store."""

    key: str
    data: Json
    source: str
    stored_at: datetime
    """When the document's first version was stored. UTC."""
    updated_at: datetime
    """When this version was stored. UTC."""
    metadata: dict[str, Json]
    version: int
    """Counted from 1 for each key."""
    ttl: int | None = None
    """Seconds the version stays fresh after it was stored or last checked; None is for ever."""
    checked_at: datetime | None = None
    """When its source last gave the same data again, so that no new version was needed. UTC."""
    deleted: bool = False
    """Whether this version says that the document was deleted; its data is None then."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "stored_at", Moment.of(self.stored_at))
        object.__setattr__(self, "updated_at", Moment.of(self.updated_at))

    @property
    def digest(self) -> str:
        """The digest of the data alone."""
        return digest(self.data)

    @property
    def confirmed_at(self) -> datetime:
        """When the data was last known to be right: stored, or checked since."""
        return max(self.updated_at, self.checked_at or self.updated_at)

    def is_fresh(self, now: datetime) -> bool:
        """Whether the version's time to live has not run out; one without lives for ever."""
        return self.ttl is None or now < self.confirmed_at + timedelta(seconds=self.ttl)


@dataclass(frozen=True, slots=True)
class DataBlock:
    """A stored datum as an instruction names it."""

    name: str
    """The name under `data:` in the instruction."""
    key: str
    version: int
    source: str
    retrieved_at: datetime | None
    """When it was fetched; None for a file that does not say."""
    data: Json
    digest: str
    subject: str | None = None
    """What the data is about: `AbbVie Inc.`."""
    as_of: str | None = None
    """The ISO date the data is valid for."""
    fields: Mapping[str, Field] = field(default_factory=dict)
    """By dotted path, list indices left out: `quarterly.totalRevenue`."""
    facts: Mapping[str, Json] = field(default_factory=dict)
    """What the project and the instruction say of it: `roles`, `units`, `names` and the like, each a mapping."""
    stale_since: str | None = None
    """When it was last known to be right, where it is older than allowed and its source could not be reached."""
    sql: str = ""
    """The SELECT that it is the answer to, where it was computed from other data."""
    computed_from: tuple[str, ...] = ()
    """The keys and versions of that data."""


@dataclass(frozen=True, slots=True)
class Context:
    """A piece of domain knowledge."""

    path: str
    """Relative to the context folder, with `/`."""
    title: str
    text: str
    """As it enters the prompt: front matter stripped, headings shifted."""
    digest: str
    """Of the file's bytes."""
    priority: int = 0
    """What to keep when not all fits: the higher, the longer it stays."""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Output:
    """What an instruction asks to get back."""

    sections: tuple[str, ...] = ()
    """Titles of the level-2 sections, in order."""
    schema: Mapping[str, Json] | None = None
    """A JSON Schema for a structured answer."""
    language: str = "en"


ExpectationKind = Literal["contains", "lacks", "regex", "schema", "length", "figures", "judge"]


@dataclass(frozen=True, slots=True)
class Expectation:
    """One assertion on an answer, as an instruction's `expect:` declares it."""

    kind: ExpectationKind
    value: Json
    """By kind: words, a regular expression, a JSON Schema, `{min, max}` in words, a share from 0 to 1, a question."""

    def __str__(self) -> str:
        if self.kind == "schema":
            return "schema"
        if isinstance(self.value, dict):
            return " ".join([self.kind, *(f"{name} {value}" for name, value in sorted(self.value.items()))])
        return f"{self.kind} {self.value:.0%}" if isinstance(self.value, float) else f'{self.kind} "{self.value}"'


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class PromptSection:
    """A stretch of a prompt's text and what it comes from."""

    kind: Literal["context", "instruction", "data", "output"]
    name: str
    """A context's path, an instruction's path, a data block's name, or `output`."""
    text: str


@dataclass(frozen=True, slots=True)
class Step:
    """One of several calls that a prompt is answered in."""

    name: str
    text: str
    """What is sent; the answers it uses are put in first."""
    uses: tuple[str, ...] = ()
    """The steps whose answers it needs; steps that need none of one another may run at once."""
    is_part: bool = True
    """Whether its answer is a part of the result."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A finished prompt and the parts it was made of."""

    instruction: str
    """The instruction's path relative to the instruction folder; `-` for a prompt from stdin."""
    title: str
    text: str
    """All that is sent."""
    body: str = ""
    """The instruction's own text, filled in, without contexts and data."""
    params: Mapping[str, Json] = field(default_factory=dict)
    contexts: tuple[Context, ...] = ()
    data: tuple[DataBlock, ...] = ()
    output: Output = field(default_factory=Output)
    model: Mapping[str, Json] = field(default_factory=dict)
    """Model settings the instruction asks for: `temperature`, `max_tokens`, `provider`, `model` …"""
    system: str = ""
    """The system message, where there is one."""
    sections: tuple[PromptSection, ...] = ()
    """What `text` is made of: their texts, one after the other, are the whole of it."""
    steps: tuple[Step, ...] = ()
    """The calls to make in place of one with `text`, for an instruction with a strategy."""
    findings: tuple[Finding, ...] = ()
    """What rendering had to say: contexts cut, names that look misspelt."""
    template: str = ""
    """The digest of the instruction's file."""
    turns: tuple[Message, ...] = ()
    """What was said after it, where an answer is to be mended."""
    inputs: tuple[DataBlock, ...] = ()
    """Data that other data was computed from and that does not stand in the prompt itself."""

    @property
    def messages(self) -> tuple[Message, ...]:
        """What a chat model is sent."""
        system = (Message("system", self.system),) if self.system else ()
        return (*system, Message("user", self.text), *self.turns)

    @property
    def digest(self) -> str:
        """The digest of all that can change an answer to this prompt, model settings apart."""
        messages = [[message.role, message.content] for message in self.messages]
        return digest([messages, list(self.output.sections), self.output.schema, self.output.language])


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at one model."""

    provider: str
    model: str
    outcome: str
    """`ok`, or the kind of failure."""
    seconds: float
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CompletionResult:
    """What a provider answered."""

    content: str
    tokens_used: int
    model: str
    """The model that answered."""
    provider: str
    cost: float | None
    """In US dollars; None where the price is not known, never 0 for that."""
    metadata: dict[str, Json] = field(default_factory=dict)
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_estimated: bool = False
    """Whether the provider named no usage, so that the tokens were counted here."""
    model_asked: str = ""
    """The model that was asked first."""
    origin: CompletionOrigin = "fresh"
    finish_reason: str = "stop"
    attempts: tuple[Attempt, ...] = ()

    @property
    def paid(self) -> float | None:
        """What it cost in this run, in US dollars: nothing for what was kept; None where no price is known.

        `metadata["paid"]` says so where answers that could not be used were paid for besides.
        """
        if "paid" in self.metadata:
            cost: float | None = self.metadata["paid"]
            return cost
        return self.cost if self.origin == "fresh" else 0.0


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a check or a screen found."""

    kind: str
    """A stable word to script against: `missing_section`, `contradicted`, `injection.override` …"""
    severity: Severity
    message: str
    where: Where | None = None
    text: str = ""
    """The words it is about."""
    hint: str = ""
    support: str = ""
    """The datum or passage behind it: `yahoo_finance:ABBV:quote@1 marketCap`."""

    def as_json(self) -> dict[str, Json]:
        """The finding as every command and record writes it: its file is the one that is spoken of."""
        place = {"line": self.where and self.where.line, "column": self.where and self.where.column}
        return {**pick(self, "kind", "severity", "message", "text", "support"), **place}

    def problem(self) -> Problem:
        """The finding as an error tells it."""
        return Problem(self.message, self.where, self.hint or None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a room of checks says of a text."""

    findings: tuple[Finding, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    """By name, each from 0 to 1."""

    @property
    def passed(self) -> bool:
        """Whether no finding is an error."""
        return not any(finding.severity == "error" for finding in self.findings)


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """Whether an input, a prompt or a template may be used: the fields that the specification names, and findings."""

    is_valid: bool
    errors: list[str]
    """What must be put right, each with its place: `a.md:3:1: …`."""
    warnings: list[str]
    sanitized_input: dict[str, Any] = field(default_factory=dict)
    """The input as it may be used."""
    findings: tuple[Finding, ...] = ()
    """What the errors and warnings were made from, where they were findings."""

    @property
    def is_safe(self) -> bool:
        """The same as `is_valid`."""
        return self.is_valid
