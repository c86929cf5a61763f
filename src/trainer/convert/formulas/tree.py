"""From TeX to a MathML tree in which nothing stands but known elements, and nothing of the formula is lost."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from copy import deepcopy
from functools import lru_cache
from xml.etree.ElementTree import Element

from trainer.convert.formulas.tex import Untypeset, letters, prepared

_ARITY = {
    "mfrac": 2, "mroot": 2, "msub": 2, "msup": 2, "munder": 2, "mover": 2, "msubsup": 3, "munderover": 3,
}  # fmt: skip
_LEAVES = frozenset(("mi", "mn", "mo", "mtext"))
_GROUPS = frozenset(("math", "mrow", "msqrt", "mstyle", "mphantom", "mtable", "mtr", "mtd"))
_FLAG = re.compile("true|false")
_LENGTH = re.compile(r"-?\d?(?:\.\d+)?em")
_ATTRIBUTES = {
    "mo": {"stretchy": _FLAG, "fence": _FLAG, "form": re.compile("prefix|postfix|infix"), "minsize": _LENGTH,
           "maxsize": _LENGTH, "lspace": _LENGTH, "rspace": _LENGTH},
    "mi": {"mathvariant": re.compile("normal")},
    "mtext": {"mathvariant": re.compile("bold|italic")},
    "mstyle": {"displaystyle": _FLAG, "scriptlevel": re.compile(r"[+-]?[0-3]")},
    "mfrac": {"linethickness": re.compile("0")},
    "mtable": {"displaystyle": _FLAG, "columnspacing": re.compile(r"0em(?: 2em)?")},
    "mtd": {"columnalign": re.compile("left|right|center")},
    "mspace": {"width": _LENGTH},
}  # fmt: skip
_ENTITY = re.compile(r"&#x([0-9A-Fa-f]{2,6});")
_SPACES = {"negativethinmathspace": "-0.167em", "negativemediummathspace": "-0.222em"}
_UNDER = frozenset(("lim", "max", "min", "sup", "inf", "Pr", "gcd", "det", "lim sup", "lim inf"))
_VARIANTS = {
    "bold": "BOLD", "script": "SCRIPT", "fraktur": "FRAKTUR", "double-struck": "DOUBLE-STRUCK",
    "monospace": "MONOSPACE", "sans-serif": "SANS-SERIF", "bold-italic": "BOLD ITALIC",
}  # fmt: skip


@lru_cache(maxsize=512)
def _converted(tex: str, display: bool) -> Element:
    from latex2mathml.converter import Converter

    source = prepared(tex)
    try:
        root = Converter(display="block" if display else "inline").convert_to_element(source)
    except Exception as error:  # the converter's own errors have no class in common
        raise Untypeset(_said(error)) from None
    tree = Element("math", {"display": "block"} if display else {})
    tree.extend(_lines(_cleaned(root[0], display=display)))
    for node in tree.iter():
        node.attrib.pop("movable", None)
    if lost := letters(source) - Counter("".join(_plain(tree))):
        raise Untypeset(f"{', '.join(sorted(lost))} would be lost")
    return tree


def formula_tree(tex: str, *, display: bool) -> Element:
    """The MathML of a formula, its own copy; raises Untypeset where it could not be shown rightly."""
    return deepcopy(_converted(tex, display))


def _said(error: BaseException) -> str:
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__.removesuffix("Error")).lower()
    return f"not TeX that can be read ({name or 'error'})"


def _plain(tree: Element) -> Iterator[str]:
    for leaf in tree.iter():
        if leaf.text:
            yield unicodedata.normalize("NFKC", leaf.text)


def _lines(element: Element) -> list[Element]:
    """The row; where it is broken into lines, a table of them."""
    row = element if element.tag == "mrow" else _row([element])
    lines: list[list[Element]] = [[]]
    for child in row:
        if child.get("linebreak"):
            lines.append([])
        else:
            lines[-1].append(child)
    if any(inner.get("linebreak") for line in lines for part in line for inner in part.iter()):
        raise Untypeset("a line break inside a group")
    if len(lines) == 1:
        return lines[0]
    table = Element("mtable", {"displaystyle": "true"})
    for line in lines:
        cell = Element("mtd", {"columnalign": "left"})
        cell.extend(line)
        table.append(_row([cell], "mtr"))
    return [table]


def _cleaned(element: Element, *, display: bool) -> Element:
    tag = element.tag
    if tag in _LEAVES:
        return _leaf(element)
    if tag == "mspace":
        return _space(element)
    if tag == "mpadded":
        if element.get("width") == "0":
            raise Untypeset("a sign struck through another")
        return _row([_cleaned(child, display=display) for child in element if child.tag != "mspace"])
    if tag == "menclose" and element.get("notation") == "box":
        inside = [_cleaned(child, display=display) for child in element]
        return _node("menclose", {"notation": "box"}, children=inside)
    if (tag not in _ARITY and tag not in _GROUPS) or element.get("columnlines") or element.get("rowlines"):
        raise Untypeset(f"{tag} has no counterpart")
    children = [_cleaned(child, display=display) for child in element]
    if len(children) != _ARITY.get(tag, len(children)):
        raise Untypeset("a command without all its parts")
    if tag in ("mrow", "mtd", "mstyle", "msqrt", "math"):
        children = _joined(_spaced(children))
    return _special(_node(tag, _kept(element), children=children), display=display)


def _special(node: Element, *, display: bool) -> Element:
    """Limits under their operator, groups of one without the group."""
    if node.tag == "msub" and display and (node[0].text in _UNDER or node[0].get("movable")):
        node.tag = "munder"
    if node.tag == "mrow" and len(node) == 1 and node[0].tag != "mo" and not node.attrib:
        return node[0]
    return node


def _kept(element: Element) -> dict[str, str]:
    allowed = _ATTRIBUTES.get(element.tag, {})
    return {name: value for name, value in element.attrib.items() if name in allowed and allowed[name].fullmatch(value)}


def _leaf(element: Element) -> Element:
    raw = element.text or ""
    text = _ENTITY.sub(lambda code: chr(int(code[1], 16)), raw)
    if len(element) or any(unicodedata.category(letter) in ("Cc", "Cs", "Cn") for letter in text):
        raise Untypeset("a letter that is none")
    attributes = _kept(element)
    if element.tag == "mtext":
        return _node("mtext", attributes, text=re.sub(r"\\([%&_#{} ])", r"\1", _words(text)))
    if raw.startswith("\\") and len(raw) > 1:
        raise Untypeset(f"unknown command {raw}")
    if raw in ("&", "{", "}", "\\"):
        raise Untypeset(f"{raw} out of place")
    tag, text = _kind(element.tag, text), _styled(text, element.get("mathvariant", ""))
    if raw != text and len(text) == 1 and text.isascii() and text.isalpha():
        attributes["mathvariant"] = "normal"
    if tag == "mo" and text in ("|", "\u2016", "/"):
        attributes |= {"lspace": "0em", "rspace": "0em"}
    if tag == "mo" and unicodedata.category(text[:1] or " ") in ("Ps", "Pe") and element.tag == "mi":
        attributes["stretchy"] = "false"
    leaf = _node(tag, attributes if tag in (element.tag, "mo") else {}, text=text)
    if element.tag == "mo" and element.get("movablelimits") == "true":
        leaf.set("movable", "true")
    return leaf


def _words(text: str) -> str:
    if "$" in text or re.search(r"\\[A-Za-z]", text):
        raise Untypeset("a command inside words")
    return text


def _kind(tag: str, text: str) -> str:
    """An identifier that is really an operator, and the other way round."""
    if tag == "mi" and len(text) == 1 and text != "\u221e" and unicodedata.category(text) in ("Sm", "Ps", "Pe"):
        return "mo"
    if tag == "mo" and (text in ("\u221e", "\u2205") or re.fullmatch(r"[A-Za-z][A-Za-z \u2006\u2009]+", text)):
        return "mi"
    return tag


def _styled(text: str, variant: str) -> str:
    """The letters of a style that MathML has only as letters of their own."""
    if variant in ("", "normal", "italic"):
        return text
    return "".join(_letter(letter, _VARIANTS.get(variant, "")) for letter in text)


def _letter(letter: str, style: str) -> str:
    name = unicodedata.name(letter, "").replace("LATIN ", "").replace("GREEK ", "").replace(" LETTER", "")
    for letter_name in (f"MATHEMATICAL {style} {name}", f"{style.replace('FRAKTUR', 'BLACK-LETTER')} {name}"):
        try:
            return unicodedata.lookup(letter_name)
        except KeyError:
            continue
    raise Untypeset(f"no letter {letter} in that style")


def _space(element: Element) -> Element:
    if element.get("linebreak"):
        return Element("mspace", {"linebreak": "newline"})
    width = element.get("width", "0em")
    width = _SPACES.get(width, width)
    if not _LENGTH.fullmatch(width):
        raise Untypeset(f"a space of {width}")
    return Element("mspace", {"width": width})


def _spaced(children: Sequence[Element]) -> list[Element]:
    """The children of a row, with thin spaces around the names of functions."""
    row: list[Element] = []
    for at, child in enumerate(children):
        if _is_function(child):
            if row and _is_word(row[-1]):
                row.append(Element("mspace", {"width": "0.167em"}))
            row.append(child)
            if at + 1 < len(children) and _is_word(children[at + 1]):
                row.append(Element("mspace", {"width": "0.167em"}))
        else:
            row.append(child)
    return row


def _is_function(node: Element) -> bool:
    core = node[0] if node.tag in ("msub", "msup", "msubsup", "munder") and len(node) else node
    return core.tag == "mi" and len(core.text or "") > 1


def _is_word(node: Element) -> bool:
    return node.tag not in ("mo", "mspace") and not _is_function(node)


def _joined(children: Sequence[Element]) -> list[Element]:
    """The children of a row: upright letters as one word, a number with its marked-off thousands as one."""
    row: list[Element] = []
    for child in children:
        if row and _upright(child) and _upright(row[-1]):
            row[-1].text = (row[-1].text or "") + (child.text or "")
        elif child.tag == "mn" and len(row) > 1 and _is_comma(row[-1]) and row[-2].tag == "mn":
            row.pop()
            row[-1].text = f"{row[-1].text},{child.text}"
        else:
            row.append(child)
    for word in row:
        if len(word.text or "") > 1 and word.tag == "mi":
            word.attrib.pop("mathvariant", None)
    return row


def _upright(node: Element) -> bool:
    return node.tag == "mi" and node.get("mathvariant") == "normal"


def _is_comma(node: Element) -> bool:
    return node.tag == "mrow" and len(node) == 1 and node[0].text == ","


def _row(children: Sequence[Element], tag: str = "mrow") -> Element:
    row = Element(tag)
    row.extend(children)
    return row


def _node(
    tag: str, attributes: dict[str, str], *, children: Sequence[Element] = (), text: str | None = None
) -> Element:
    node = Element(tag, attributes)
    node.text = text
    node.extend(children)
    return node
