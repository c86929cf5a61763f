"""Run one prompt through a model: an instruction of the project, or a prompt of the caller's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.actions.answers import accepted
from trainer.actions.completion import Completer, ModelCall, completion_facts, written
from trainer.actions.data import Sources, load_documents
from trainer.actions.learning import decide
from trainer.actions.model import ModelChoice, calls_of, choose_model, make_budget, price_of
from trainer.actions.prepared import Prepared
from trainer.actions.prompt import Instructions, Rendered, context_folder, keep_prompt, render_prepared
from trainer.actions.record import Recorder
from trainer.actions.screening import MaskedStream, screened
from trainer.actions.wiring import personal_treatment
from trainer.core.clock import Clock, system_clock
from trainer.core.digest import pick
from trainer.core.errors import ProviderError, UsageError, Where
from trainer.core.files import read_text, write_atomic
from trainer.core.project import Project
from trainer.core.strictjson import read_json
from trainer.core.values import CompletionResult, Context, Finding, Json, Output, Prompt, PromptSection
from trainer.prompts import Instruction, read_context
from trainer.providers import Budget, check_schema, explain, record, run_on_loop

if TYPE_CHECKING:
    from trainer.mart import ConfigDecision

STDIN = "-"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run."""

    changes: Mapping[str, Any] = field(default_factory=dict)
    """Settings of llm_provider for this run."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Stored documents for data blocks."""
    schema: Mapping[str, Json] | None = None
    """A JSON Schema for the answer, over the instruction's own."""
    max_cost: float | None = None
    use_cache: bool = True
    refresh: bool = False
    retry: bool = True
    record: Path | None = None
    """A cassette to record into."""
    replay: Path | None = None
    """A cassette, or a folder of them, to answer from; no socket is opened."""
    offline: bool = False
    concurrency: int | None = None
    explore: bool = True
    """Whether candidates are tried that are not approved."""
    system: str = ""
    """The system message to send before the prompt."""
    contexts: tuple[Path, ...] = ()
    """Files to add to the contexts of the prompt."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """A completion and the prompt it answers."""

    rendered: Rendered
    choice: ModelChoice
    completion: CompletionResult
    execution: str
    """The identity of its record."""
    warnings: tuple[str, ...] = ()
    """What was left out of the prompt, or could not be kept."""
    findings: tuple[Finding, ...] = ()
    """What its checks found wrong, and what of it would call another host."""

    @property
    def text(self) -> str:
        """The answer as it is given out."""
        return written(self.completion)

    def as_json(self) -> dict[str, Any]:
        """The one JSON document of `trainer run --json`."""
        result, prompt = self.completion, self.rendered.prompt
        return {
            "content": self.text,
            **pick(result, "provider", "model", "model_asked", "origin", "cost", "tokens_in", "tokens_out"),
            **pick(result, "tokens_estimated", "finish_reason", "attempts"),
            **({"json": result.metadata["json"]} if "json" in result.metadata else {}),
            **pick(self, "findings", "warnings", "execution"),
            "instruction": prompt.instruction,
            "fingerprint": prompt.digest,
        }


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a run would send and cost."""

    rendered: Rendered
    choice: ModelChoice
    key: str
    """The digest of the request, which names its completion in the cache."""
    cached: bool
    calls: int
    """Calls of the model, one for each step of a strategy."""
    cost: float | None
    cost_at_most: float | None
    ingredients: Mapping[str, Json]
    """What the key is made of."""

    def as_json(self) -> dict[str, Any]:
        """The one JSON document of `trainer run --dry-run --json` and `--explain --json`."""
        return {
            **pick(self, "key", "cached", "calls", "cost", "cost_at_most", "ingredients"),
            **pick(self.choice, "provider", "model"),
            "instruction": self.rendered.prompt.instruction,
            "tokens": self.rendered.tokens,
        }


class Run:
    """Everything one `trainer run` shares between its prompts."""

    def __init__(
        self,
        project: Project,
        options: RunOptions,
        decision: ConfigDecision | None = None,
        *,
        budget: Budget | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self.project = project
        self.options = options
        self.decision = decision
        self.clock = clock
        self.sources = Sources(project, clock=clock)
        self.instructions = Instructions(project, self.sources)
        self.budget = budget or make_budget(project, max_cost=options.max_cost, clock=clock)
        self.completer = Completer(
            project,
            budget=self.budget,
            concurrency=options.concurrency,
            retry=options.retry,
            use_cache=options.use_cache,
            refresh=options.refresh,
            warn=self.warn,
        )
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        """Remember what the caller should be told, once."""
        if message not in self.warnings:
            self.warnings.append(message)

    def rendered(self, name: str, arguments: Mapping[str, Any]) -> tuple[Rendered, ModelChoice]:
        """The finished prompt of an instruction and the model to ask; raises RefusedError for an unsafe prompt."""
        prepared = self.instructions.prepare(name, arguments, keys=self.options.keys)
        contexts = _each_once((*prepared.contexts, *self.contexts))
        prepared = replace(prepared, contexts=contexts, system=self.options.system)
        choice = self.choice(prepared.instruction.model, prepared.instruction.file)
        loaded = load_documents(
            self.project,
            prepared.requests.values(),
            sources=self.sources,
            clock=self.clock,
            offline=self.options.offline,
        )
        for error in loaded.errors.values():
            raise error
        rendered = render_prepared(self.project, prepared, loaded.documents, choice=choice)
        for warning in (*loaded.warnings, *rendered.warnings):
            self.warn(warning)
        if self.options.schema is not None:
            output = replace(rendered.prompt.output, schema=self.options.schema)
            rendered = replace(rendered, prompt=replace(rendered.prompt, output=output))
        rendered.require_safe()
        return rendered, choice

    def given(self, text: str) -> tuple[Rendered, ModelChoice]:
        """A prompt of the caller's own, as it is."""
        if not text.strip():
            raise UsageError("the prompt is empty", hint="pipe it in: echo 'Write a haiku' | trainer run -")
        choice = self.choice({}, "-")
        if self.contexts:
            return self._given_with_contexts(text, choice), choice
        system = self.options.system
        if treat := personal_treatment(self.project):
            text, system = str(treat(text)), str(treat(system))
        prompt = Prompt(
            STDIN,
            "",
            text,
            body=text,
            output=Output(schema=self.options.schema),
            system=system,
            sections=(PromptSection("instruction", STDIN, text),),
        )
        return Rendered(prompt, screened(self.project, prompt), choice.model), choice

    def _given_with_contexts(self, text: str, choice: ModelChoice) -> Rendered:
        if treat := personal_treatment(self.project):
            text = str(treat(text))
        instruction = Instruction(STDIN, STDIN, self.project.root, text, template="plain")
        prepared = Prepared(instruction, {}, _each_once(self.contexts), {}, system=self.options.system)
        rendered = render_prepared(self.project, prepared, {}, choice=choice)
        for warning in rendered.warnings:
            self.warn(warning)
        rendered.require_safe()
        return replace(rendered, prompt=replace(rendered.prompt, output=Output(schema=self.options.schema)))

    @cached_property
    def contexts(self) -> tuple[Context, ...]:
        """The contexts that the options add; raises InstructionError or UsageError for a file that is none."""
        if not self.options.contexts:
            return ()
        folder = context_folder(self.project)
        return tuple(read_context(path, folder=folder, root=self.project.root) for path in self.options.contexts)

    def is_cached(self, rendered: Rendered, choice: ModelChoice) -> bool:
        """Whether the answer is kept already, so that nothing would be sent."""
        cache = self.completer.cache
        return cache is not None and cache.get(ModelCall("", rendered.prompt, choice).request.key) is not None

    def choice(self, instruction: Mapping[str, Any], what: str) -> ModelChoice:
        """The model to ask, by the settings of an instruction and the options; errors name `what`."""
        changes: dict[str, Any] = dict(self.options.changes)
        if self.options.offline:
            changes |= {"provider": "draft", "fallbacks": []}
        if self.options.replay is not None:
            changes |= {"provider": "replay", "fallbacks": [], "options": {"path": str(self.options.replay)}}
        decided = self.decision.config if self.decision else {}
        return choose_model(self.project, instruction, decided, changes, what=what)


def run_prompt(
    project: Project,
    name: str,
    arguments: Mapping[str, Any],
    options: RunOptions,
    *,
    text: str | None = None,
    on_text: Callable[[str], None] | None = None,
    on_restart: Callable[[], None] | None = None,
    clock: Clock = system_clock,
) -> RunResult:
    """The completion of instruction `name`, or of the prompt `text`; recorded, cached, within the budget.

    It is checked and screened as a report is; raises RefusedError where the policy `block` refuses it. `on_text` is
    given the answer piece by piece as it comes, or whole where it must be checked or read first.
    """
    decision = None
    if text is None and not options.offline and options.replay is None:
        decision = decide(project, "run", {"instruction": name}, explore=options.explore)
    if decision is not None and set(decision.config) & set(options.changes):
        decision = None
    run = Run(project, options, decision, clock=clock)
    context = {"instruction": name, **(decision.fields() if decision else {})}
    with Recorder(project, "run", context=context, clock=clock) as recorder:
        run.sources.on_call = recorder.request
        rendered, choice = run.given(text) if text is not None else run.rendered(name, arguments)
        version = keep_prompt(project, rendered.prompt)
        call = ModelCall(name, rendered.prompt, choice)
        is_shown_first = (
            project.settings.checks.policy == "warn"
            and project.settings.prompt_security.chosen_level != "strict"
            and not any(rule.then == "block" for rule in project.settings.prompt_security.rules)
            and rendered.prompt.output.schema is None
        )
        try:
            if on_text is not None and is_shown_first:
                stream = MaskedStream(on_text)
                result = run.completer.one(call, on_text=stream.take, on_restart=on_restart)
                stream.end()
            else:
                result = run.completer.one(call)
            if options.record is not None:
                _record(run, call, result)
            result, findings = run_on_loop(accepted(call, project, rendered, result, run.completer))
        except ProviderError as error:
            paid = completion_facts(error.answer) if isinstance(error.answer, CompletionResult) else {}
            attempts = [pick(attempt) for attempt in error.attempts]
            recorder.note(inputs=_inputs(rendered, version, call), **paid | {"attempts": attempts})
            raise
        finally:
            if run.budget is not None:
                run.budget.close()
        quality = {} if decision is None else {"quality": _quality(findings)}
        recorder.note(
            inputs=_inputs(rendered, version, call), findings=len(findings), **completion_facts(result), **quality
        )
    if on_text is not None and not is_shown_first:
        on_text(written(result))
    return RunResult(rendered, choice, result, recorder.execution, tuple(run.warnings), findings)


def dry_run(
    project: Project,
    name: str,
    arguments: Mapping[str, Any],
    options: RunOptions,
    *,
    text: str | None = None,
    clock: Clock = system_clock,
) -> DryRun:
    """What the run would send and cost, and whether it is cached; nothing is sent."""
    run = Run(project, options, clock=clock)
    rendered, choice = run.given(text) if text is not None else run.rendered(name, arguments)
    request = ModelCall(name, rendered.prompt, choice).request
    cost, at_most = price_of(choice, rendered.prompt, rendered.tokens["total"])
    cached = run.is_cached(rendered, choice)
    calls = calls_of(choice, rendered.prompt)
    return DryRun(rendered, choice, request.key, cached, calls, cost, at_most, explain(request))


def read_system(value: str) -> str:
    """The system message that `--system` names: the text of a file of that name, else the value itself.

    Raises UsageError where it is empty, or a name that ends in `.md` or `.txt` and no file has.
    """
    path = Path(value)
    try:
        is_file = path.is_file()
    except (OSError, ValueError):  # a text that is too long for a name, or holds a NUL
        is_file = False
    # One word with a suffix is a misspelt name rather than a message: it is read, which tells that it is not there.
    is_name = len(value.split()) == 1 and path.suffix in (".md", ".txt")
    text = read_text(path, shown=value) if is_file or is_name else value
    if not text.strip():
        raise UsageError("the system message is empty", hint='say it: --system "Answer in one sentence."')
    return text.strip()


def read_schema(path: Path) -> Mapping[str, Json]:
    """The JSON Schema in a file; raises UsageError with its place where it is none."""
    schema = read_json(read_text(path), shown=str(path))
    if not isinstance(schema, dict):
        raise UsageError("a JSON Schema is an object", where=Where(str(path)))
    check_schema(schema)
    return schema


def write_answer(path: Path, result: CompletionResult) -> bool:
    """Whether the file changed: the answer as text, ending in one newline."""
    return write_atomic(path, written(result).rstrip("\n") + "\n")


def _each_once(contexts: Sequence[Context]) -> tuple[Context, ...]:
    """The contexts without those whose content came earlier."""
    first: dict[str, Context] = {}
    for context in contexts:
        first.setdefault(context.digest, context)
    return tuple(first.values())


def _record(run: Run, call: ModelCall, result: CompletionResult) -> None:
    assert run.options.record is not None
    secrets = [secret for provider in run.completer.client(call.choice).chain for secret in provider.secrets]
    record(result, call.request, run.options.record, secrets=secrets)


def _quality(findings: Sequence[Finding]) -> float:
    """What the checks say of an answer, as a score: each error takes a quarter away."""
    return max(0.0, 1 - 0.25 * sum(finding.severity == "error" for finding in findings))


def _inputs(rendered: Rendered, version: str, call: ModelCall) -> dict[str, Any]:
    data = [f"{block.key}@{block.version}" for block in rendered.blocks if not block.sql]
    return {"prompt": version, "request": call.request.key, "data": data}
