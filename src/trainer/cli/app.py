"""How commands are declared: typer with plain help, our own errors, and the parameters that many commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import typer
from typer.core import TyperCommand, TyperGroup

from trainer.cli import completion
from trainer.core.errors import UsageError, unknown

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Sarif = Annotated[bool, typer.Option("--sarif", help="Print SARIF 2.1.0, for code hosts and editors.")]
Params = Annotated[
    list[str],
    typer.Option(
        "-p", "--param", metavar="NAME=VALUE", help="Value of a parameter.", default_factory=list, show_default=False
    ),
]
DataKeys = Annotated[
    list[str],
    typer.Option(
        "--data",
        metavar="NAME=KEY",
        help="Stored document for a data block.",
        default_factory=list,
        show_default=False,
        autocompletion=completion.keys_by_name,
    ),
]
Model = Annotated[
    str | None,
    typer.Option("--model", metavar="M", help="Model, over config.yaml.", autocompletion=completion.models),
]
Models = Annotated[
    list[str],
    typer.Option(
        "--model",
        metavar="M",
        help="Model, over config.yaml; repeatable with --test.",
        autocompletion=completion.models,
        default_factory=list,
        show_default=False,
    ),
]
Provider = Annotated[
    str | None,
    typer.Option("--provider", metavar="P", help="Provider, over config.yaml.", autocompletion=completion.providers),
]
Concurrency = Annotated[
    int | None, typer.Option("--concurrency", metavar="N", min=1, max=1000, help="Most calls under way at once.")
]
MaxCost = Annotated[
    float | None, typer.Option("--max-cost", metavar="USD", min=0, help="Most this run may spend, in US dollars.")
]

Tags = Annotated[
    list[str],
    typer.Option(
        "--tag",
        metavar="TAG",
        help="Only reports with this tag: their own, or of instruction or contexts; repeatable.",
        default_factory=list,
        show_default=False,
        autocompletion=completion.tags,
    ),
]
NoExplore = Annotated[
    bool, typer.Option("--no-explore", help="Try no candidates of mart.candidates: ask what is approved.")
]


def chosen(**settings: Any) -> dict[str, Any]:
    """The settings that were given a value."""
    return {name: value for name, value in settings.items() if value is not None}


class _PlainParameters:
    """Values by `PlainValue`, not by typer, which imports pydantic for them: 90 ms, more than all else at start.

    Where a release of typer no longer looks at this attribute, commands start later and do the same.
    """

    def get_params(self, ctx: Any) -> Any:
        """The parameters of the command, help among them."""
        parameters = super().get_params(ctx)  # type: ignore[misc]
        for parameter in parameters:
            parameter._runtime_param = PlainValue()
        return parameters


class Command(_PlainParameters, TyperCommand):
    """A command whose help is as terse as the field's: its words explain the arguments, its list only the options."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The words of the usage line: FILE, [FILE] or FILE..."""
        return [piece.replace("{", "").replace("}", "") for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the list of options."""
        options = [parameter for parameter in self.get_params(ctx) if parameter.param_type_name == "option"]
        with formatter.section("Options"):
            formatter.write_dl([record for option in options if (record := option.get_help_record(ctx))])


class CommandGroup(_PlainParameters, TyperGroup):
    """A group of commands that shows its help when no command is named, and the nearest one when it is misspelt."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the options before the command."""
        if not args and not ctx.resilient_parsing:
            typer.echo(ctx.get_help(), err=True)
            raise typer.Exit(UsageError.exit_code)
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command to run, with the words that are left for it."""
        names = self.list_commands(ctx)
        if args[0] not in names and not args[0].startswith("-") and not ctx.resilient_parsing:
            message, hint = unknown("command", args[0], names)
            raise UsageError(message, hint=f"{hint}\n  see: {ctx.command_path} --help")
        return super().resolve_command(ctx, args)


def application(
    *,
    cls: type[CommandGroup] = CommandGroup,
    add_completion: bool = False,
    context_settings: dict[str, Any] | None = None,
) -> typer.Typer:
    """A command, or a group of commands."""
    # Rich help would import rich for every --help: a tenth of a second that nobody asked for.
    return typer.Typer(
        cls=cls, add_completion=add_completion, context_settings=context_settings or {}, rich_markup_mode=None
    )


class PlainValue:
    """What typer's own conversion does for the types used here: text, numbers in a range, paths, choices and lists."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ARG002  (typer's signature)
        """The value of the words given for a parameter; raises typer.BadParameter."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        annotation = param.type_descriptor.annotation
        if get_origin(annotation) is list:
            return [_value(word, get_args(annotation)[0], param) for word in value]
        return _value(value, annotation, param)


def _value(word: Any, annotation: Any, param: Any) -> Any:
    if annotation is Path:
        return Path(word)
    if get_origin(annotation) is Literal and word not in get_args(annotation):
        raise typer.BadParameter(". ".join(unknown("value", word, get_args(annotation))))
    if annotation not in (int, float):
        return word
    try:
        number = annotation(word)
    except ValueError:
        kind = "whole number" if annotation is int else "number"
        raise typer.BadParameter(f'"{word}" is not a {kind}') from None
    limits = param.type_descriptor.parameter_info
    low, high = limits.min, limits.max
    # Written so that NaN, which compares with nothing, is outside too.
    if (low is not None and not number >= low) or (high is not None and not number <= high):
        raise typer.BadParameter(f"{word} is not {f'from {low} to {high}' if high is not None else f'at least {low}'}")
    return number
