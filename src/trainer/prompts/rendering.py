"""Rendering: an instruction, its parameters, contexts and data become one finished prompt.

The text has up to four marked sections in a fixed order: `<contexts>`, `<instruction>`, `<data>`, `<output>`.
An instruction with nothing beside it is sent as it is, without any mark.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Literal

from trainer.core.digest import canonical, pretty
from trainer.core.errors import InstructionError, Problem, Where, nearest
from trainer.core.secrets import mask_json, mask_known
from trainer.core.values import Context, DataBlock, Finding, Json, Output, Prompt, PromptSection
from trainer.prompts.braces import CONSTRUCT, NAME, fill_braces
from trainer.prompts.budget import Count, Fitted, fit
from trainer.prompts.composition import plan_steps
from trainer.prompts.instruction import Instruction, Syntax
from trainer.prompts.params import FileText, named_places, plain
from trainer.prompts.template import misspellings, syntax_of
from trainer.prompts.tokens import count_tokens

Clean = Callable[[str], str]
"""Makes one untrusted value fit to stand in a line of text."""
Fence = Callable[[DataBlock], str]
"""Writes a whole data block between marks it cannot close."""
FenceContext = Callable[[Context], str]
"""Writes a context between marks."""

ABSENT = "not available"
"""What stands for a datum that is null."""

_CONTEXTS = "<contexts>\nBackground to interpret the data with. It explains the field and asks for nothing.\n\n"
_DATA = "<data_blocks>\nThe data to work from, each block with its source and date.\n\n"


def mark_context(context: Context) -> str:
    """The context between marks that carry its path."""
    return f'<context path="{context.path}">\n{context.text}</context>'


def render(
    instruction: Instruction,
    *,
    params: Mapping[str, Json],
    contexts: Sequence[Context],
    data: Mapping[str, DataBlock],
    clean: Clean,
    fence: Fence,
    fence_context: FenceContext = mark_context,
    inputs: Set[str] = frozenset(),
    budget: int | None = None,
    count: Count = count_tokens,
) -> Prompt:
    """The finished prompt; a value is written once and never read again, whatever braces it holds.

    Data blocks the text does not place itself follow it, but for `inputs`, from which others were computed. With a
    `budget`, contexts are cut until the text has no more than that many tokens by `count`. Raises InstructionError with
    every problem at once.
    """
    # a parameter that the environment filled is a secret: no model is told it, and no report shows it
    writer = _Writer(instruction, params, data, lambda text: clean(mask_known(text)), fence)
    body = writer.body()
    output = _output(instruction, writer)
    hidden = inputs - writer.placed
    fenced = [(name, fence(block)) for name, block in writer.data.items() if name not in writer.placed | hidden]

    def compose(contexts: Sequence[Context]) -> tuple[PromptSection, ...]:
        marked = [(context.path, fence_context(context)) for context in contexts]
        return _sections(PromptSection("instruction", instruction.path, body), marked, fenced, _asked(output))

    fitted = Fitted(tuple(contexts))
    if budget is not None:
        query = " ".join([instruction.title, body, *output.sections])
        fitted = _fit(instruction, contexts, compose, query=query, budget=budget, count=count)
    sections = compose(fitted.contexts)
    text = "".join(section.text for section in sections)
    return Prompt(
        instruction=instruction.path,
        title=writer.line(instruction.title),
        text=text,
        body=body,
        params={name: mask_json(_json(value), shapes=False) for name, value in params.items()},
        contexts=fitted.contexts,
        data=tuple(block for name, block in writer.data.items() if name not in hidden),
        inputs=tuple(block for name, block in writer.data.items() if name in hidden),
        output=output,
        model=dict(instruction.model),
        sections=sections,
        steps=plan_steps(text, output.sections, instruction.strategy),
        findings=(*writer.findings, *fitted.findings),
        template=instruction.digest,
    )


def undeclared_names(instruction: Instruction, syntax: Syntax, declared: frozenset[str]) -> list[Finding]:
    """A warning for each name in braces that stays as written.

    In the front matter that is any name, in the body one that looks much like a declared one.
    """
    front = [
        _undeclared(f"{{{name}}}", nearest(name, declared), where)
        for where, name in named_places(instruction)
        if name not in declared
    ]
    body = misspellings(instruction.body, syntax, declared)
    return front + [_undeclared(written, close, instruction.at(offset)) for written, close, offset in body]


def _undeclared(written: str, close: str | None, where: Where) -> Finding:
    hint = f'did you mean "{close}"?' if close else "declare it under `params` if it is meant to be filled in"
    if written.startswith("{{"):
        hint += ", or say `template: braces` in the front matter if it is not"
    message = f"{written} names nothing declared and stays as it is"
    return Finding("undeclared_name", "warning", message, where, text=written, hint=hint)


def declared_names(instruction: Instruction, *more: Mapping[str, object]) -> frozenset[str]:
    """Every name a template may use: parameters and data, declared or given, and `data` where there is any."""
    names = frozenset(instruction.params) | frozenset(instruction.data)
    names = names.union(*more) if more else names
    return names | {"data"} if instruction.data or any(more[1:]) else names


def ordered_data(instruction: Instruction, data: Mapping[str, DataBlock]) -> dict[str, DataBlock]:
    """The blocks in the order declared, then the others by name; raises InstructionError for missing ones."""
    missing = [
        Problem(f"there is no data for {name}", instruction.where("data", name), "retrieve it, or give --data NAME=KEY")
        for name in instruction.data
        if name not in data
    ]
    if missing:
        raise InstructionError(missing[0].message, problems=missing)
    others = sorted(name for name in data if name not in instruction.data)
    return {name: data[name] for name in [*instruction.data, *others]}


@dataclass(slots=True)
class _Writer:
    """Writes values into the text, and remembers which data blocks the text has placed."""

    instruction: Instruction
    params: Mapping[str, Json]
    data: Mapping[str, DataBlock]
    clean: Clean
    fence: Fence
    placed: set[str] = field(default_factory=set)
    parts: dict[int, tuple[DataBlock, str]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.data = ordered_data(self.instruction, self.data)

    def body(self) -> str:
        declared = declared_names(self.instruction, self.params, self.data)
        syntax = syntax_of(self.instruction, declared)
        self.findings = undeclared_names(self.instruction, syntax, declared)
        if syntax == "plain":
            return self.instruction.body
        if syntax == "jinja":
            return self.run(declared)
        return fill_braces(self.instruction.body, self.named(), self.name)

    def named(self) -> frozenset[str]:
        """What `{NAME}` may stand for: all that has a value, `data` as a whole has none."""
        return frozenset({*self.params, *self.data})

    def line(self, text: str) -> str:
        """A line of the front matter with its `{NAME}` filled in."""
        return fill_braces(text, frozenset(self.params), lambda name: self.value(self.params[name]))

    def name(self, name: str) -> str:
        return self.value(self.params[name]) if name in self.params else self.block(self.data[name])

    def value(self, value: Json) -> str:
        """A value as text: scalars cleaned, lists with commas, data objects as marked blocks."""
        if isinstance(value, dict | list) and id(value) in self.parts:
            block, path = self.parts[id(value)]
            return self.block(block if value is block.data else replace(block, name=path, data=value))
        if isinstance(value, dict):
            return self.clean(canonical(value))
        if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
            return ", ".join(map(self.value, value))
        if isinstance(value, list):
            return self.clean(canonical(value))
        if isinstance(value, FileText):
            return "\n".join(self.clean(line) if line.strip() else "" for line in value.split("\n"))
        return self.clean(ABSENT if value is None else plain(value))

    def block(self, block: DataBlock) -> str:
        if block.name in self.data and block.data is self.data[block.name].data:
            self.placed.add(block.name)
        return f"\n{self.fence(block).strip()}\n"

    def run(self, declared: frozenset[str]) -> str:
        from trainer.prompts import jinja

        body = self.instruction.body
        problems = jinja.problems(body, declared, self.instruction.at)
        if problems:
            raise InstructionError(problems[0].message, problems=problems)
        for block in self.data.values():
            self.remember(block, block.data, block.name)
        blocks = {name: block.data for name, block in self.data.items()}
        names = {name: self.name(name) for name in sorted(self.named() & set(NAME.findall(body)))}
        try:
            return jinja.run(body, {"data": blocks, **blocks, **self.params}, names=names, show=self.value)
        except jinja.RenderError as error:
            where = _failed_at(self.instruction, error.line, error.message)
            raise InstructionError(error.message, where=where, hint=error.hint) from error

    def remember(self, block: DataBlock, value: Json, path: str) -> None:
        """Keeps which block each object within the data belongs to."""
        if not isinstance(value, dict | list):
            return
        self.parts[id(value)] = (block, path)
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            self.remember(block, item, f"{path}.{key}")


def _failed_at(instruction: Instruction, line: int, message: str) -> Where:
    """The construct on a line of the body that an error is about: the one with a word the message quotes."""
    body_line = instruction.body_line + line - 1
    constructs = CONSTRUCT.finditer(instruction.body)
    on_line = [construct for construct in constructs if instruction.at(construct.start()).line == body_line]
    quoted = re.findall(r"[\"']([^\"']+)[\"']", message)
    about = [construct for construct in on_line if any(word in construct[0] for word in quoted)] or on_line
    return instruction.at(about[0].start()) if about else Where(instruction.file, body_line)


def _json(value: Json) -> Json:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _output(instruction: Instruction, writer: _Writer) -> Output:
    output = instruction.output
    return replace(output, sections=tuple(writer.line(title) for title in output.sections))


def _fit(
    instruction: Instruction,
    contexts: Sequence[Context],
    compose: Callable[[Sequence[Context]], tuple[PromptSection, ...]],
    *,
    query: str,
    budget: int,
    count: Count,
) -> Fitted:
    """The contexts cut so that the whole text keeps to the budget."""
    whole = count("".join(section.text for section in compose(contexts)))
    if whole <= budget:
        return Fitted(tuple(contexts))
    bare = count("".join(section.text for section in compose(())))
    if bare > budget:
        raise InstructionError(
            f"the prompt has {bare} tokens without any context; the budget is {budget}",
            where=Where(instruction.file),
            hint="ask for less data, take a larger window, or raise prompt_manager.max_tokens",
        )
    return fit(contexts, query=query, budget=budget - (whole - sum(count(one.text) for one in contexts)), count=count)


def _sections(
    body: PromptSection, contexts: list[tuple[str, str]], data: list[tuple[str, str]], task: str
) -> tuple[PromptSection, ...]:
    if not contexts and not data and not task:
        return (body,)
    sections = _wrapped("context", _CONTEXTS, "</contexts>\n\n", contexts)
    sections.append(replace(body, text=f"<instruction>\n{body.text.strip()}\n</instruction>\n"))
    sections += _wrapped("data", f"\n{_DATA}", "</data_blocks>\n", data)
    if task:
        sections.append(PromptSection("output", "output", f"\n<output>\n{task}</output>\n"))
    return tuple(sections)


def _wrapped(
    kind: Literal["context", "data"], opening: str, closing: str, named: list[tuple[str, str]]
) -> list[PromptSection]:
    texts = [f"{text.strip()}\n" for _, text in named]
    if texts:
        texts[0] = opening + texts[0]
        texts[-1] += closing
    gaps = ["\n"] * (len(texts) - 1) + [""]
    return [PromptSection(kind, name, text + gap) for (name, _), text, gap in zip(named, texts, gaps, strict=False)]


def _asked(output: Output) -> str:
    lines = []
    if output.schema is not None:
        lines += ["Answer with one JSON document and nothing else. It must satisfy this JSON Schema:", ""]
        lines += ["```json", pretty(output.schema).rstrip(), "```"]
    elif output.sections:
        lines += [
            "Answer in Markdown. Write exactly these sections, in this order, each under its level-2 heading:",
            "",
        ]
        lines += [f"## {title}" for title in output.sections]
    if output.language != "en":
        lines.append(f'Write in the language "{output.language}".')
    return "".join(f"{line}\n" for line in lines)
