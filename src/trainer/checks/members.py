"""What texts call the members of data in their own language: countries and regions by CLDR, common groups by a file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources

from trainer.checks.view import FactsView
from trainer.core.yamltext import load_yaml
from trainer.facts.words import name_words

_COUNTRY = frozenset(["country", "iso", "iso2", "iso3", "geo", "nation", "land", "pays", "pai", "paese", "code", "id"])
"""Dimensions whose members may be codes of countries."""


def localized(view: FactsView, language: str) -> FactsView:
    """The view with the names that a language has for its members besides those of the data."""
    names: dict[tuple[str, str], set[str]] = defaultdict(set)
    groups, places, codes = _groups(), _places(), _codes()
    for dimension in view.facts.dimensions.values():
        is_flag = {member.name.casefold() for member in dimension.members} <= {"yes", "no", "true", "false", "1", "0"}
        for member in dimension.members:
            called = names[dimension.name, member.name]
            for alias in (member.name.casefold(), *(name.casefold() for name in member.aliases)):
                for own in (language, "en"):
                    called.update(groups.get(alias, {}).get(own, ()))
                    called.update(_local(places.get(alias), own))
            if is_flag and member.name.casefold() in ("yes", "true", "1"):
                called.add(" ".join(name_words(dimension.name)))
            country = codes.get(member.name) if set(name_words(dimension.name)) & _COUNTRY else None
            called.update((*_local(country, language), *_local(country, "en")))
    names = {member: called for member, called in names.items() if called}
    return view.called(names) if names else view


@cache
def _groups() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """What a member is called, by its folded name in the data and by language."""
    text = resources.files("trainer.checks").joinpath("words/members.yaml").read_text("utf-8")
    table: Mapping[str, Mapping[str, Iterable[str]]] = load_yaml(text, shown="members.yaml").value
    return {
        str(name).casefold(): {code: tuple(map(str, words)) for code, words in of.items()} for name, of in table.items()
    }


@cache
def _places() -> Mapping[str, str]:
    """The code of each country and region of the world by its folded English name."""
    from babel import Locale

    return {str(name).casefold(): str(code) for code, name in Locale("en").territories.items()}


@cache
def _codes() -> Mapping[str, str]:
    """The two-letter code of each country by its code of two or three letters."""
    from babel import Locale
    from babel.core import get_global

    codes = {str(code): str(code) for code in Locale("en").territories if str(code).isalpha()}
    aliases = {str(old): str(new[0]) for old, new in get_global("territory_aliases").items()}
    return codes | {old: new for old, new in aliases.items() if len(old) == 3 and old.isalpha()}


def _local(code: str | None, language: str) -> tuple[str, ...]:
    from babel import Locale

    name = Locale(language).territories.get(code) if code else None
    return (name,) if name else ()
