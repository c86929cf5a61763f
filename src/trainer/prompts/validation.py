"""What is wrong with an instruction before anything is sent: every finding at once, each with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from trainer.core.errors import InstructionError, Problem, Where
from trainer.core.values import Context, Finding, Json, Verdict
from trainer.prompts import markdown
from trainer.prompts.contexts import open_contexts, select_contexts
from trainer.prompts.includes import Folder
from trainer.prompts.instruction import Instruction, Syntax
from trainer.prompts.params import check_params
from trainer.prompts.params import names_used as names_in_front_matter
from trainer.prompts.rendering import declared_names, undeclared_names
from trainer.prompts.template import names_used, syntax_of
from trainer.prompts.tokens import count_tokens


def validate_instruction(
    instruction: Instruction,
    *,
    contexts: Path | Folder,
    values: Mapping[str, Json] | None = None,
    data: Iterable[str] = (),
    budget: int | None = None,
    count: Callable[[str], int] = count_tokens,
) -> Verdict:
    """What is wrong with an instruction: errors stop it from being rendered, warnings do not.

    `contexts` is their folder, `data` names blocks that come from elsewhere, `budget` bounds the contexts in tokens.
    Without `values`, those that have no default are not missed, and what depends on them is left out.
    """
    params, findings = _params(instruction, values)
    declared = declared_names(instruction, params, dict.fromkeys(data))
    try:
        syntax = syntax_of(instruction, declared)
    except InstructionError as error:
        syntax = "jinja"
        findings += [_finding("template", problem) for problem in error.problems]
    else:
        findings += _template(instruction, syntax, declared)
    findings += undeclared_names(instruction, syntax, declared)
    findings += _unused(instruction, syntax)
    findings += _empty(instruction)
    folder = open_contexts(contexts, root=instruction.root) if isinstance(contexts, Path) else contexts
    chosen, broken = _contexts(instruction, params, folder)
    findings += broken
    findings += [_empty_context(one, folder) for one in chosen if not _says_something(one)]
    if budget is not None:
        findings += _over_budget(instruction, chosen, budget, count)
    return Verdict(tuple(sorted(findings, key=_order)))


def _order(finding: Finding) -> tuple[str, int, int, str]:
    where = finding.where or Where("")
    return (where.path, where.line or 0, where.column or 0, finding.message)


def _finding(kind: str, problem: Problem) -> Finding:
    return Finding(kind, "error", problem.message, problem.where, hint=problem.hint or "")


def _params(instruction: Instruction, arguments: Mapping[str, Json] | None) -> tuple[dict[str, Json], list[Finding]]:
    """The values known, and what is wrong with the others; none is missed before any is given."""
    values, findings = check_params(instruction, arguments or {})
    return values, [one for one in findings if arguments is not None or one.kind != "missing_parameter"]


def _template(instruction: Instruction, syntax: Syntax, declared: frozenset[str]) -> list[Finding]:
    if syntax != "jinja":
        return []
    from trainer.prompts import jinja

    return [_finding("template", one) for one in jinja.problems(instruction.body, declared, instruction.at)]


def _unused(instruction: Instruction, syntax: Syntax) -> Iterator[Finding]:
    used = names_used(instruction, syntax) | names_in_front_matter(instruction)
    for name in instruction.params:
        if name not in used:
            where = instruction.places and instruction.places.where_key("params", name)
            yield Finding(
                "unused_parameter",
                "warning",
                f"parameter {name} is declared and nowhere used",
                where or Where(instruction.file),
                hint=f"write {{{name}}} where it belongs, or remove it",
            )


def _empty(instruction: Instruction) -> Iterator[Finding]:
    for title, offset in markdown.empty_sections(instruction.body):
        yield Finding(
            "empty_section",
            "warning",
            f'the section "{title}" has no content',
            instruction.at(offset),
            hint="say what it should hold, or remove it",
        )
    if "data" in (instruction.places.value if instruction.places else {}) and not instruction.data:
        yield Finding(
            "no_data",
            "warning",
            "data: names nothing, so no figure can be answered",
            instruction.where("data"),
            hint="name a source, a file or a key of the store, or remove it",
        )
    if instruction.strategy and len(instruction.output.sections) < 2:
        yield Finding(
            "strategy",
            "warning",
            f"the strategy {instruction.strategy} has no parts to work on",
            instruction.where("strategy"),
            hint="name two or more output.sections",
        )


def _contexts(
    instruction: Instruction, params: Mapping[str, Json], folder: Folder
) -> tuple[tuple[Context, ...], list[Finding]]:
    """The contexts that can be chosen without the values nobody gave, and the references that are broken."""
    try:
        return select_contexts(instruction, params, folder=folder), []
    except InstructionError as error:
        return (), [_finding("broken_reference", problem) for problem in error.problems]


def _says_something(context: Context) -> bool:
    return any(not level and block.strip() for block, level in markdown.blocks(context.text))


def _empty_context(context: Context, folder: Folder) -> Finding:
    return Finding(
        "empty_section",
        "warning",
        f"context {context.path} has no content",
        folder.where(context.path),
        hint="write it, or do not name it",
    )


def _over_budget(
    instruction: Instruction, contexts: tuple[Context, ...], budget: int, count: Callable[[str], int]
) -> list[Finding]:
    tokens = sum(count(context.text) for context in contexts)
    if tokens <= budget:
        return []
    return [
        Finding(
            "over_budget",
            "warning",
            f"the contexts have {tokens} tokens, {tokens - budget} more than the budget of {budget}; they will be cut",
            instruction.where("contexts"),
            hint="name fewer contexts, give the important ones a priority, or raise the budget",
        )
    ]
