"""SVG pictures made harmless: only drawing is kept; scripts, handlers and everything outside the file are dropped.

A page shows them as `<img>`, where a browser runs and loads nothing; this also covers who opens the picture alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_NAMES = (
    "svg g defs symbol use title desc path rect circle ellipse line polyline polygon text tspan textPath image style "
    "linearGradient radialGradient stop pattern clipPath mask marker filter feBlend feColorMatrix feComponentTransfer "
    "feComposite feDropShadow feFlood feFuncA feFuncB feFuncG feFuncR feGaussianBlur feMerge feMergeNode feMorphology "
    "feOffset feTile"
)
_KEPT = frozenset(_NAMES.split())
"""The SVG elements that draw; none that runs, links, animates or embeds a page."""
_WORTH_TELLING = frozenset(("script", "foreignObject", "iframe", "animate", "set", "handler", "listener"))
_REFERRING = ("image", "use")
_INSIDE = re.compile(r"#[^\s\"'()<>]+|data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+")
_ADDRESS = re.compile(r"url\(([^()]*)\)?", re.IGNORECASE)
_AROUND = " \t\r\n\"'"
_REACHES_OUT = re.compile(r"@import|@font-face|image-set|expression\s*\(|javascript:|-moz-binding|\\", re.IGNORECASE)
_DEEPEST = 100
_MOST_DRAWN = 100_000


class UnsafeSvg(ValueError):
    """A picture that cannot be shown; says why."""


def clean_svg(content: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The picture with nothing but drawing in it, and the dangerous parts that were dropped; raises UnsafeSvg."""
    root = _parsed(content)
    dropped: set[str] = set()
    _clean(root, dropped, depth=0)
    _check_uses(root)
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _XLINK)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=False), tuple(sorted(dropped))


def _parsed(content: bytes) -> ElementTree.Element:
    if b"\0" in content:
        raise UnsafeSvg("it is not written in UTF-8")
    if b"<!ENTITY" in content or re.search(rb"<!DOCTYPE[^<>\[]*\[", content):
        raise UnsafeSvg("it declares entities of its own")
    try:
        root = ElementTree.fromstring(content)  # noqa: S314  (without declarations expat expands and loads nothing)
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise UnsafeSvg(f"it is not well-formed: {error}") from None
    if root.tag != f"{{{_SVG}}}svg":
        raise UnsafeSvg("its content is no SVG picture")
    return root


def _clean(element: ElementTree.Element, dropped: set[str], *, depth: int) -> None:
    if depth > _DEEPEST:
        raise UnsafeSvg(f"its elements are nested more than {_DEEPEST} deep")
    for name, value in list(element.attrib.items()):
        if not _attribute_is_kept(name, value, dropped):
            del element.attrib[name]
    if element.tag == f"{{{_SVG}}}style" and not _style_is_kept(element.text or ""):
        dropped.add("style that loads")
        element.text = ""
    for child in list(element):
        space, _, name = str(child.tag).rpartition("}")
        if space == f"{{{_SVG}" and name in _KEPT:
            _clean(child, dropped, depth=depth + 1)
            if name not in _REFERRING or any(key.endswith("href") for key in child.attrib):
                continue
        if name in _WORTH_TELLING:
            dropped.add(name)
        element.remove(child)


def _attribute_is_kept(name: str, value: str, dropped: set[str]) -> bool:
    space, _, local = name.rpartition("}")
    if space and (space != f"{{{_XLINK}" or local != "href"):
        return local in ("space", "lang")
    if local.lower().startswith("on"):
        dropped.add(local)
        return False
    is_harmless = bool(_INSIDE.fullmatch(value.strip())) if local.lower() == "href" else _style_is_kept(value)
    if not is_harmless:
        dropped.add(f"{local} that leads outside")
    return is_harmless


def _style_is_kept(style: str) -> bool:
    inside = all(_INSIDE.fullmatch(address.strip(_AROUND)) for address in _ADDRESS.findall(style))
    return inside and not _REACHES_OUT.search(style)


def _check_uses(root: ElementTree.Element) -> None:
    """Refuse copies of copies that would draw without end."""
    named = {element.get("id", ""): element for element in root.iter()}
    drawn: dict[str, int] = {}
    if _drawn(root, named, drawn, frozenset()) > _MOST_DRAWN:
        raise UnsafeSvg("it draws more than 100,000 parts")


def _drawn(
    element: ElementTree.Element,
    named: Mapping[str, ElementTree.Element],
    drawn: dict[str, int],
    above: frozenset[str],
) -> int:
    count = 1 + sum(_drawn(child, named, drawn, above) for child in element)
    for ident in _referred(element):
        if ident in above or len(above) > _DEEPEST:
            raise UnsafeSvg("its parts draw each other without end")
        if ident in named:
            if ident not in drawn:
                drawn[ident] = _drawn(named[ident], named, drawn, above | {ident})
            count += drawn[ident]
    return count


def _referred(element: ElementTree.Element) -> Iterator[str]:
    """The ids that an element draws by way of a reference."""
    for name, value in element.attrib.items():
        if name.rpartition("}")[2] == "href" and value.strip().startswith("#"):
            yield value.strip()[1:]
        elif "url(" in value:
            yield from (address.strip(_AROUND)[1:] for address in _ADDRESS.findall(value))
