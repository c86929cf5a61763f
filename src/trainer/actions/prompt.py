"""From an instruction's name to a finished, screened prompt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from trainer.actions.corrections import corrected, project_facts
from trainer.actions.data import DataRequest, Sources, data_block
from trainer.actions.git import file_in_commit, find_commit
from trainer.actions.joins import compute_joins, ordered_joins
from trainer.actions.memo import remembered
from trainer.actions.model import ModelChoice, plan_prompt
from trainer.actions.prepared import Prepared, RenderedText
from trainer.actions.screening import screen_policy
from trainer.actions.wiring import personal_treatment
from trainer.core.digest import pick
from trainer.core.errors import ConfigError, InstructionError, Problem, RefusedError, TrainerError, UsageError, Where
from trainer.core.project import Project
from trainer.core.values import Context, DataBlock, Prompt, StoredData, Verdict
from trainer.prompts import (
    REPORT,
    ContextText,
    DataQuery,
    Instruction,
    context_params,
    context_text,
    count_tokens,
    data_queries,
    fill_names,
    find_instruction,
    load_instruction,
    open_contexts,
    parse_instruction,
    read_data,
    resolve_params,
    select_contexts,
)
from trainer.prompts.includes import Folder
from trainer.prompts.versions import keep_version
from trainer.security import DetectionResult

PROMPTS = "prompts"
"""The folder of kept prompts below the cache."""


def check_schema(schema: Mapping[str, Any], file: str) -> None:
    """Raise InstructionError where an instruction's schema is none."""
    from trainer.providers.structured import check_schema as check

    try:
        check(schema)
    except UsageError as error:
        raise InstructionError(error.message, where=Where(file), hint=error.hint) from error


class Instructions:
    """The instructions and contexts of one command, each file read once."""

    def __init__(self, project: Project, sources: Sources) -> None:
        self.project = project
        self.sources = sources
        self._loaded: dict[str, Instruction] = {}
        self._naming: dict[tuple[Any, ...], tuple[str, ...]] = {}
        self._selected: dict[tuple[Any, ...], tuple[Context, ...]] = {}

    def load(self, name: str) -> Instruction:
        """The instruction called `name`; raises InstructionError with all its problems."""
        if name not in self._loaded:
            entry = find_instruction(self.project.instructions, name, root=self.project.root)
            loaded = load_instruction(entry.path, shown=entry.shown, root=self.project.root)
            if loaded.output.schema is not None:
                check_schema(loaded.output.schema, loaded.file)
            self._loaded[name] = loaded
        return self._loaded[name]

    def load_revision(self, name: str, revision: str) -> Instruction:
        """The instruction `name` as it stood in git at a date or commit; from here on it is the one called so.

        Raises UsageError where there is no such revision, or no such instruction in it.
        """
        entry = find_instruction(self.project.instructions, name, root=self.project.root)
        commit = find_commit(self.project, revision, option="--revision")
        content = file_in_commit(self.project, commit, entry.path)
        if content is None:
            raise UsageError(f"{revision} holds no {entry.shown}", hint="name a later commit or date with --revision")
        text = content.decode("utf-8", "replace")
        folder = entry.path.parent
        self._loaded[name] = parse_instruction(text, shown=entry.shown, root=self.project.root, folder=folder)
        return self._loaded[name]

    def prepare(
        self,
        name: str,
        arguments: Mapping[str, Any],
        *,
        contexts: Sequence[str] | None = None,
        data: Mapping[str, Mapping[str, Any]] | None = None,
        keys: Mapping[str, str] | None = None,
    ) -> Prepared:
        """The instruction `name` made ready; `contexts`, `data` and `keys` replace what it asks for itself.

        Raises InstructionError with all problems of the instruction and its parameters.
        """
        instruction = self.load(name)
        if contexts is not None:
            instruction = replace(instruction, contexts=tuple(contexts))
        try:
            return self._prepared(instruction, arguments, data or {}, keys or {})
        except UsageError as error:
            raise self._with_all_problems(error, instruction, arguments, {*(data or {}), *(keys or {})}) from error

    def check(self, name: str, arguments: Mapping[str, Any] | None) -> list[str]:
        """What is probably not meant in an instruction; raises InstructionError with all that is wrong with it.

        Without `arguments`, none is missed.
        """
        from trainer.prompts import validate_instruction  # only where something may be wrong

        instruction = self.load(name)
        verdict = validate_instruction(instruction, contexts=self._folder, values=arguments)
        wrong = self._problems(instruction, verdict)
        if wrong:
            raise InstructionError(wrong[0].message, problems=wrong)
        return [str(finding.problem()) for finding in verdict.findings]

    def _problems(self, instruction: Instruction, verdict: Verdict) -> list[Problem]:
        """The errors among the findings, and those of the sources that the instruction names."""
        problems = [finding.problem() for finding in verdict.findings if finding.severity == "error"]
        for query in instruction.data.values():
            try:
                if query.source and "{" not in query.source:
                    self.sources[query.source]
            except UsageError as error:
                problems += _placed(error, instruction.where("data", query.name))
        return sorted(problems, key=_by_place)

    def _prepared(
        self,
        instruction: Instruction,
        arguments: Mapping[str, Any],
        data: Mapping[str, Mapping[str, Any]],
        keys: Mapping[str, str],
    ) -> Prepared:
        params = resolve_params(instruction, arguments)
        self._check_lengths(instruction, params)
        queries = {query.name: query for query in data_queries(instruction, params)}
        queries |= self._replaced(instruction, params, data, keys)
        reports = tuple(dict.fromkeys(str(one.query["report"]) for one in queries.values() if one.source == REPORT))
        contexts = self._contexts(instruction, params)
        if reports:
            from trainer.actions.report_source import report_contexts  # few prompts read a report

            instruction, queries = self._with_parts(instruction, queries)
            contexts = (*contexts, *report_contexts(self.project, reports))
        requests = {query.name: self._request(instruction, query) for query in queries.values() if not query.sql}
        return Prepared(
            instruction,
            params,
            contexts,
            requests,
            fill_names(instruction.title, params),
            ordered_joins(instruction, queries),
            reports,
        )

    def _with_parts(
        self, instruction: Instruction, queries: Mapping[str, DataQuery]
    ) -> tuple[Instruction, dict[str, DataQuery]]:
        """Instruction and queries with the data behind a report's figures in place of the report."""
        from trainer.actions.report_source import report_queries  # as above

        declared: dict[str, DataQuery] = {}
        parts: dict[str, DataQuery] = {}
        for name, query in queries.items():
            try:
                own = report_queries(self.project, query) if query.source == REPORT else (query,)
            except UsageError as error:
                raise InstructionError(
                    error.message, problems=_placed(error, instruction.where("data", name))
                ) from error
            parts |= {part.name: part for part in own}
            declared |= {part.name: part for part in own if name in instruction.data}
        return replace(instruction, data=declared), parts

    def _request(self, instruction: Instruction, query: DataQuery) -> DataRequest:
        try:
            return self.sources.request(query)
        except UsageError as error:
            problems = _placed(error, instruction.where("data", query.name))
            raise InstructionError(error.message, problems=problems) from error

    def _with_all_problems(
        self, error: UsageError, instruction: Instruction, arguments: Mapping[str, Any], data: set[str]
    ) -> UsageError:
        """The error that stopped the preparation, with all else that is wrong with the instruction."""
        from trainer.prompts import validate_instruction  # as above

        verdict = validate_instruction(instruction, contexts=self._folder, values=arguments, data=data)
        every = sorted(dict.fromkeys([*error.problems, *self._problems(instruction, verdict)]), key=_by_place)
        return InstructionError(every[0].message, problems=every) if len(every) > len(error.problems) else error

    def _check_lengths(self, instruction: Instruction, params: Mapping[str, Any]) -> None:
        most = self.project.settings.prompt_security.max_length
        problems = [
            Problem(
                f"{name} has {len(value)} characters, the most is {most}",
                instruction.where("params", name),
                "shorten it, keep it in a file (type: file), or raise prompt_security.max_length",
            )
            for name, value in params.items()
            if isinstance(value, str) and len(value) > most and not _is_file(instruction, name)
        ]
        if problems:
            raise InstructionError(problems[0].message, problems=problems)

    def _replaced(
        self,
        instruction: Instruction,
        params: Mapping[str, Any],
        data: Mapping[str, Mapping[str, Any]],
        keys: Mapping[str, str],
    ) -> dict[str, DataQuery]:
        declared = read_data(data, shown="config.yaml")
        filled = data_queries(replace(instruction, data=declared), params) if declared else ()
        return {query.name: query for query in filled} | {
            block: DataQuery(block, key=key) for block, key in keys.items()
        }

    def _contexts(self, instruction: Instruction, params: Mapping[str, Any]) -> tuple[Context, ...]:
        named = (instruction.digest, instruction.contexts)
        if named not in self._naming:
            self._naming[named] = context_params(instruction)
        # the reports of a matrix differ in parameters, of which most paths name none
        key = (*named, *((name, str(params[name])) for name in self._naming[named] if name in params))
        if key not in self._selected:
            self._selected[key] = select_contexts(instruction, params, folder=self._folder)
        return self._selected[key]

    @cached_property
    def _folder(self) -> Folder:
        return context_folder(self.project)


def context_folder(project: Project) -> Folder:
    """The project's contexts, their texts as they were made before where their files are the same."""

    def text_of(body: str, title: str, name: str) -> ContextText:
        rests_on = [body, title, name]
        return remembered(project, ContextText, rests_on, lambda: context_text(body, title, name))

    return open_contexts(project.contexts, root=project.root, text_of=text_of)


def _by_place(problem: Problem) -> tuple[str, int, int]:
    where = problem.where or Where("")
    return (where.path, where.line or 0, where.column or 0)


def _placed(error: UsageError, where: Where) -> list[Problem]:
    return [replace(problem, where=problem.where or where) for problem in error.problems]


def _is_file(instruction: Instruction, name: str) -> bool:
    return name in instruction.params and instruction.params[name].type == "file"


@dataclass(frozen=True)
class Rendered:
    """A finished prompt and what was found in it."""

    prompt: Prompt
    screening: DetectionResult | None
    model: str = ""
    warnings: tuple[str, ...] = field(default=())

    @property
    def blocks(self) -> tuple[DataBlock, ...]:
        """All data behind the prompt, that from which other data was computed after the rest."""
        return (*self.prompt.data, *self.prompt.inputs)

    @cached_property
    def tokens(self) -> dict[str, int]:
        """Tokens by section of the prompt, and in all as `total`."""
        parts = {
            f"{part.kind} {part.name}".strip(): count_tokens(part.text, self.model) for part in self.prompt.sections
        }
        if self.prompt.system:
            parts = {"system": count_tokens(self.prompt.system, self.model), **parts}
        return {**parts, "total": self.total_tokens}

    @cached_property
    def total_tokens(self) -> int:
        """Tokens of the prompt in all."""
        return count_tokens(self.prompt.system + self.prompt.text, self.model)

    def require_safe(self) -> None:
        """Raise RefusedError where the security policy refuses the prompt."""
        if self.screening is None or self.screening.is_safe:
            return
        problems = [
            Problem(f"{finding.kind}: {finding.message}", finding.where, finding.hint or None)
            for finding in self.screening.findings
            if finding.severity == "error"
        ]
        raise RefusedError(
            f"the prompt of {self.prompt.instruction} was refused (risk {self.screening.risk_score:.2f})",
            problems=[
                Problem(
                    f"the prompt of {self.prompt.instruction} was refused by the security policy"
                    f" (risk {self.screening.risk_score:.2f}); nothing was sent",
                    hint="look at what was found; decide on a flag with prompt_security.rules",
                ),
                *problems,
            ],
        )


def render_prepared(
    project: Project, prepared: Prepared, documents: Mapping[str, StoredData], *, choice: ModelChoice
) -> Rendered:
    """The finished prompt of what was prepared, with the documents by key; screened unless the settings say no."""
    blocks = {name: data_block(name, documents[request.key]) for name, request in prepared.requests.items()}
    return render_blocks(project, prepared, blocks, choice=choice)


def render_blocks(
    project: Project, prepared: Prepared, blocks: Mapping[str, DataBlock], *, choice: ModelChoice
) -> Rendered:
    """As `render_prepared`, with the data by the names that the instruction gives it."""
    prepared, blocks = _without_personal(project, prepared, blocks)
    most = plan_prompt(choice, project.settings.prompt_manager.max_tokens).value
    facts = project_facts(project)
    usable = {name: corrected(block, facts, prepared.instruction.facts) for name, block in blocks.items()}
    computed = compute_joins(prepared.instruction, prepared.joins, usable)
    usable |= {name: corrected(block, facts, prepared.instruction.facts) for name, block in computed.items()}
    budget = None if most is None else most - count_tokens(prepared.system, choice.model)

    def render() -> RenderedText:
        # Data is read as facts, and a prompt is screened by hundreds of patterns: what is remembered needs neither.
        from trainer.actions.rendered_text import render_text

        return render_text(project, prepared, usable, model=choice.model, budget=budget)

    security = project.settings.prompt_security
    rests_on = (
        {**pick(prepared.instruction), "root": None, "places": None},  # where they stand is told by the file's digest
        pick(prepared, "params", "contexts", "joins", "system"),
        [usable, choice.model, budget, security.max_length, security.enabled, screen_policy(project)],
    )
    text = remembered(project, RenderedText, rests_on, render)
    return Rendered(text.whole(usable), text.screening, choice.model, text.warnings)


def _without_personal(
    project: Project, prepared: Prepared, blocks: Mapping[str, DataBlock]
) -> tuple[Prepared, Mapping[str, DataBlock]]:
    """Parameters, contexts and data with personal data treated as the settings say; data was so when it was stored."""
    treat = personal_treatment(project)
    if treat is None:
        return prepared, blocks
    contexts = tuple(replace(context, text=str(treat(context.text))) for context in prepared.contexts)
    params = {name: treat(value) for name, value in prepared.params.items()}
    treated = {name: replace(block, data=treat(block.data)) for name, block in blocks.items()}
    return replace(prepared, params=params, contexts=contexts, system=str(treat(prepared.system))), treated


def keep_prompt(project: Project, prompt: Prompt) -> str:
    """The identity under which the prompt is kept, so that a later one can be compared with it."""
    return keep_version(prompt, folder=project.cache / PROMPTS).id


def parse_pairs(pairs: Sequence[str], *, option: str) -> dict[str, str]:
    """`NAME=VALUE` pairs as a mapping; raises UsageError for one that is none, or that stands twice."""
    values: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            raise UsageError(f'{option} "{pair}" is not NAME=VALUE', hint=f"example: {option} TICKER=ABBV")
        if name.strip() in values:
            raise UsageError(f"{option} {name.strip()} is given twice")
        values[name.strip()] = value
    return values


def check_all(problems: Sequence[TrainerError]) -> None:
    """Raise all the errors as one, where there are any."""
    if not problems:
        return
    kind = ConfigError if all(isinstance(error, ConfigError) for error in problems) else InstructionError
    every = list(dict.fromkeys(problem for error in problems for problem in error.problems))
    raise kind(every[0].message, problems=every)
