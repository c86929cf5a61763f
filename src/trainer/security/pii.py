"""Personal data in a text: found by shape, check digits and the words beside it; masked, hashed or tokenised.

Numbers that have check digits count where these are right; numbers that have none count only beside a word that names
them or in a shape that nothing else has. Check digits are those of `python-stdnum`.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any, Literal

from trainer.core.errors import MissingExtra
from trainer.core.values import Json

Treatment = Literal["mask", "hash", "token"]


@dataclass(frozen=True, slots=True)
class PersonalSpan:
    """Where something personal stands in a text."""

    kind: str
    """`email`, `phone`, `card`, `iban`, `ip`, `address`, or `national_id.us_ssn` with country and number."""
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Shape:
    """One kind, how it looks, and what decides."""

    kind: str
    pattern: str
    check: Callable[[str], bool]
    beside: str = ""
    """A word that must stand within the last `_BESIDE` letters before it."""
    unless: str = ""
    """A word that must not stand right before it."""


_BESIDE = 40
_RIGHT_BEFORE = 12


def find_personal(text: str, kinds: Iterable[str] | None = None) -> list[PersonalSpan]:
    """What is personal in a text, in order and without overlaps; of `kinds` alone where they are named."""
    wanted = None if kinds is None else frozenset(kinds)
    spans: list[PersonalSpan] = []
    for span in sorted(_candidates(text), key=lambda span: (span.start, -span.end)):
        if wanted is not None and span.kind not in wanted and span.kind.partition(".")[0] not in wanted:
            continue
        if not spans or span.start >= spans[-1].end:
            spans.append(span)
    return spans


def treat_personal(
    text: str, treatment: Treatment = "mask", *, key: bytes = b"", kinds: Iterable[str] | None = None
) -> tuple[str, dict[str, str]]:
    """The text with what is personal replaced, and what each numbered token stands for.

    `mask` puts `[email]`; `hash` puts `[email:1f2e…]`, the same for the same value and `key`; `token` with a key puts
    `[email~MFRG…]`, which holds the value, encrypted, and without one numbers the values, `[email#1]`, and returns
    them. `restore_personal` puts the values of tokens back. What was treated already is left as it is.
    """
    if treatment == "hash" and not key:
        raise ValueError("hashing needs a key: a digest without one is undone by trying all numbers")
    parts: list[str] = []
    values: dict[str, str] = {}
    tokens: dict[tuple[str, str], str] = {}
    treated = [match.span() for match in _TREATED.finditer(text)]
    at = 0
    for span in find_personal(text, kinds):
        if any(start < span.end and span.start < end for start, end in treated):
            continue
        value = text[span.start : span.end]
        if treatment == "mask":
            token = f"[{span.kind}]"
        elif treatment == "hash":
            token = f"[{span.kind}:{hmac.new(key, value.encode(), hashlib.sha256).hexdigest()[:16]}]"
        elif key:
            sealed = _siv(key).encrypt(value.encode(), [span.kind.encode()])
            token = f"[{span.kind}~{base64.b32encode(sealed).decode().rstrip('=')}]"
        else:
            number = 1 + sum(kind == span.kind for kind, _ in tokens)
            token = tokens.setdefault((span.kind, value), f"[{span.kind}#{number}]")
            values[token] = value
        parts += [text[at : span.start], token]
        at = span.end
    return "".join([*parts, text[at:]]), values


def treat_personal_json(
    value: Json, treatment: Treatment, *, key: bytes = b"", kinds: Iterable[str] | None = None
) -> Json:
    """The value with every text in it treated, read behind the name it goes by: `{"phone": "030 9018"}`."""
    kinds = None if kinds is None else tuple(kinds)

    def treated(value: Json, name: str) -> Json:
        if isinstance(value, str):
            label = f"{name}: "
            text = treat_personal(label + value, treatment, key=key, kinds=kinds)[0]
            return text[len(label) :] if text.startswith(label) else value
        if isinstance(value, Mapping):
            return {item: treated(inner, str(item)) for item, inner in value.items()}
        if isinstance(value, list | tuple):
            return [treated(item, name) for item in value]
        return value

    return treated(value, "")


def restore_personal(text: str, values: Mapping[str, str] = MappingProxyType({}), *, key: bytes = b"") -> str:
    """The text with each token replaced by what it stands for: numbered ones by `values`, encrypted ones by the key.

    Raises ValueError where a token was made with another key.
    """
    for token, value in values.items():
        text = text.replace(token, value)
    return _SEALED.sub(lambda match: _opened(match, key), text) if key else text


def _opened(token: re.Match[str], key: bytes) -> str:
    from cryptography.exceptions import InvalidTag

    letters = token["sealed"]
    try:
        sealed = base64.b32decode(letters + "=" * (-len(letters) % 8))
        return str(_siv(key).decrypt(sealed, [token["kind"].encode()]).decode())
    except (InvalidTag, ValueError):
        raise ValueError(f"{token[0][:40]} was made with another key, or changed") from None


def _siv(key: bytes) -> Any:
    """AES-SIV: the same token for the same value, so that rows can still be joined, and none that was changed opens."""
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV
    except ModuleNotFoundError:
        raise MissingExtra("tokens that can be restored", "encryption") from None
    return AESSIV(hashlib.sha512(b"trainer personal data\0" + key).digest())


_TREATED = re.compile(r"\[[a-z_.]{2,40}(?:[:#][0-9a-f]{1,16}|~[A-Z2-7]{20,2000})?\]")
_SEALED = re.compile(r"\[(?P<kind>[a-z_.]{2,40})~(?P<sealed>[A-Z2-7]{20,2000})\]")


def _candidates(text: str) -> Iterator[PersonalSpan]:
    lowered = text.lower()
    for shape in _SHAPES:
        beside = _compiled(shape.beside, re.IGNORECASE) if shape.beside else None
        if beside and not beside.pattern.endswith("$") and not beside.search(lowered):
            continue
        unless = _compiled(shape.unless, re.IGNORECASE) if shape.unless else None
        for match in _compiled(shape.pattern).finditer(text):
            if beside and not beside.search(text, max(0, match.start() - _BESIDE), match.start()):
                continue
            if unless and unless.search(text, max(0, match.start() - _RIGHT_BEFORE), match.start()):
                continue
            if shape.check(match[0]):
                yield PersonalSpan(shape.kind, match.start(), match.end())


@cache
def _compiled(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """The pattern, compiled when a text is first looked through: importing the room costs nothing."""
    return re.compile(pattern, flags)


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


@cache
def _validator(name: str) -> Callable[[str], bool]:
    check: Callable[[str], bool] = import_module(f"stdnum.{name}").is_valid
    return check


def _valid(name: str) -> Callable[[str], bool]:
    """Whether the check digits are right, by the module of python-stdnum with this name, imported when first asked."""

    def is_valid(value: str) -> bool:
        return _validator(name)(value)

    return is_valid


def _is_card(value: str) -> bool:
    """A card's number by its first digits and Luhn: 16 zeros, or a column of figures, is none."""
    digits = _digits(value)
    return re.match(
        r"4|5[1-5]|2[2-7]|3[47]|6(?:011|5|4[4-9])|3(?:0[0-5]|[68])|35(?:2[89]|[3-8])", digits
    ) is not None and (len(digits) in (13, 14, 15, 16, 19) and len(set(digits)) > 1 and _validator("luhn")(digits))


def _is_address(value: str) -> bool:
    try:
        address = ip_address(value)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or address.is_multicast)


def _is_phone(value: str) -> bool:
    digits = _digits(value)
    is_day = re.fullmatch(r"(?:19|20)\d{2}-\d{2}-\d{2}", value)
    return not is_day and 7 <= len(digits) <= 15 and len(set(digits)) > 2


def _is_national(value: str) -> bool:
    """A number that the check digits of some country say is a person's; only beside a word that says so, too."""
    is_american = re.fullmatch(r"\d{3}-\d{2}-\d{4}", value)
    return not is_american and any(_validator(name)(value) for name in _NATIONAL)


def _words(words: str) -> str:
    return rf"(?<![a-z])(?:{words})(?![a-z])"


def _always(_: str) -> bool:
    return True


_EDGE = r"(?<![\w.,:/$€£-])"
_PHONE_WORDS = _words(
    r"tel(?:ephone|efon|éfono|efone|\.)?|phones?|fax|mobile|cell|call|handy|ruf|hotline|whatsapp|sms|contact|reach|dial"
    r"|téléphone|teléfono|telefono|telefone|電話|电话|전화|тел|телефон|हेल्पलाइन|هاتف|ph|mob|m|t"
)
_PHONE_WORDS_ALONE = _words(r"tel(?:ephone|efon|éfono|efone|\.)?|phones?|fax|mobile|cell|téléphone|電話|电话|전화")
"""Those that name nothing else, for numbers that are mere digits."""
_BIRTH_WORDS = _words(
    r"born|dob|d\.o\.b\.?|date of birth|birth ?date|birthday|geboren|geb\.|geburtsdatum|née?|nacid[oa]|nat[oa]"
    r"|fecha de nacimiento|date de naissance"
)
_ID_WORDS = _words(
    r"ssn|national id(?:entity)?|id(?:entity)? (?:number|no\.?|card)|personal (?:id|number|code)|social security"
    r"|personalausweis|ausweisnummer|sozialversicherungs\w*|num[ée]ro de s[ée]curit[ée] sociale|n[úu]mero de identidad"
    r"|documento de identidad|personnummer|f[øo]dselsnummer|cpr|henkil[öo]tunnus|rodn[ée] [čc][íi]slo|kimlik"
)
_NATIONAL = (
    "us.ssn", "us.itin", "de.idnr", "es.dni", "nl.bsn", "pl.pesel", "br.cpf", "se.personnummer", "dk.cpr",
    "no.fodselsnummer", "cz.rc", "ch.ssn", "kr.rrn", "cn.ric", "tr.tckimlik", "ca.sin", "au.tfn", "fr.nir", "gb.nhs",
    "at.vnr", "pt.nif", "ee.ik", "lt.asmens", "ro.cnp", "bg.egn", "hr.oib", "be.nn", "za.idnr", "il.idnr",
)  # fmt: skip
"""Modules of python-stdnum."""
_PLACE_WORDS = _words(
    r"address|lives at|living at|resid(?:es|ing|ence)(?: at)?|ship(?:ped)? to|deliver(?:ed)? to|adresse|anschrift"
    r"|wohnhaft|wohnt|domicilio|direcci[óo]n|indirizzo|endere[çc]o|adres|domicile|住所|地址|주소"
)
_STREETS = (
    r"(?:Street|St\.?|Avenue|Ave\.?|Road|Rd\.?|Boulevard|Blvd\.?|Lane|Ln\.?|Drive|Dr\.?|Court|Ct\.?|Way|Place|Square"
    r"|Terrace|Parkway|Pkwy\.?)"
)
_SHAPES: tuple[_Shape, ...] = (
    _Shape(
        "email",
        (r"(?<![\w.+-])[\w.+'-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w-])"),
        lambda value: not value.startswith((".", "'")) and ".." not in value,
    ),
    _Shape("iban", (_EDGE + r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?!\w)"), _valid("iban")),
    _Shape(
        "card",
        (_EDGE + r"\d{4}[ -]?\d{4,6}[ -]?\d{4,5}(?:[ -]?\d{1,4})?(?:[ -]?\d{3})?(?![\w.,]?\d)"),
        _is_card,
    ),
    _Shape(
        "ip",
        (_EDGE + r"(?:\d{1,3}\.){3}\d{1,3}(?![\w.]\d|\.?\d)"),
        _is_address,
        unless=_words(r"versions?|ver|release|section|sections|v|build|firmware"),
    ),
    _Shape(
        "ip",
        (r"(?<![\w:])(?:[0-9a-fA-F]{1,4}:){2,7}:?[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{1,4}){0,6}(?![\w:])"),
        lambda value: value.count(":") > 3 and _is_address(value),
    ),
    _Shape("national_id.us_ssn", (_EDGE + r"\d{3}-\d{2}-\d{4}(?![\w-])"), _valid("us.ssn")),
    _Shape(
        "national_id.us_ssn",
        (r"(?<!\w)\d{3} ?\d{2} ?\d{4}(?!\w)"),
        _valid("us.ssn"),
        _words(r"ssn|social security(?: number| no\.?)?"),
    ),
    _Shape(
        "national_id.gb_nino",
        (_EDGE + r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D](?!\w)"),
        _always,
    ),
    _Shape("national_id.gb_nhs", (_EDGE + r"\d{3}[ -]?\d{3}[ -]?\d{4}(?!\w)"), _valid("gb.nhs"), _words(r"nhs")),
    _Shape(
        "national_id.de_idnr",
        (_EDGE + r"\d{2} ?\d{3} ?\d{3} ?\d{3}(?!\w)"),
        _valid("de.idnr"),
        _words(r"steuer-?id(?:entifikationsnummer|nr)?\.?|idnr\.?|tin|tax id"),
    ),
    _Shape(
        "national_id.fr_nir",
        (_EDGE + r"[12] ?\d{2} ?\d{2} ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}(?!\w)"),
        _valid("fr.nir"),
    ),
    _Shape(
        "national_id.es_dni",
        (_EDGE + r"(?:\d{8}|[XYZ]\d{7})-?[A-Z](?!\w)"),
        lambda value: _validator("es.dni")(value) or _validator("es.nie")(value),
    ),
    _Shape(
        "national_id.it_codicefiscale",
        (_EDGE + r"(?i:[A-Z]{6}\d{2}[A-EHLMPR-T]\d{2}[A-Z]\d{3}[A-Z])(?!\w)"),
        _valid("it.codicefiscale"),
    ),
    _Shape("national_id.br_cpf", (_EDGE + r"\d{3}\.\d{3}\.\d{3}-\d{2}(?!\w)"), _valid("br.cpf")),
    _Shape("national_id.br_cpf", (r"(?<!\w)\d{11}(?!\w)"), _valid("br.cpf"), _words("cpf")),
    _Shape(
        "national_id.nl_bsn",
        (r"(?<!\w)\d{9}(?!\w)"),
        _valid("nl.bsn"),
        _words(r"bsn|burgerservicenummer|sofi-?nummer"),
    ),
    _Shape("national_id.pl_pesel", (r"(?<!\w)\d{11}(?!\w)"), _valid("pl.pesel"), _words("pesel")),
    _Shape("national_id.in_aadhaar", (_EDGE + r"[2-9]\d{3} \d{4} \d{4}(?![\w ]\d)"), _valid("in_.aadhaar")),
    _Shape("national_id.in_pan", (_EDGE + r"[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z](?!\w)"), _valid("in_.pan")),
    _Shape("national_id.cn_ric", (r"(?<!\w)\d{17}[\dX](?!\w)"), _valid("cn.ric")),
    _Shape("national_id.se_personnummer", (_EDGE + r"(?:\d{2})?\d{6}[-+]\d{4}(?!\w)"), _valid("se.personnummer")),
    _Shape("national_id.ch_ssn", (_EDGE + r"756\.\d{4}\.\d{4}\.\d{2}(?!\w)"), _valid("ch.ssn")),
    _Shape(
        "national_id.ca_sin",
        (_EDGE + r"\d{3}[ -]\d{3}[ -]\d{3}(?!\w)"),
        _valid("ca.sin"),
        _words(r"sin|social insurance(?: number)?|nas"),
    ),
    _Shape(
        "national_id.au_tfn",
        (_EDGE + r"\d{3} ?\d{3} ?\d{2,3}(?!\w)"),
        _valid("au.tfn"),
        _words(r"tfn|tax file number"),
    ),
    _Shape("national_id.us_itin", (_EDGE + r"9\d{2}-\d{2}-\d{4}(?![\w-])"), _valid("us.itin")),
    _Shape("national_id.fi_hetu", (_EDGE + r"\d{6}[-+A-FU-Y]\d{3}[0-9A-Y](?![\w-])"), _valid("fi.hetu")),
    _Shape("national_id.cz_rc", (_EDGE + r"\d{6}/\d{3,4}(?![\w/])"), _valid("cz.rc")),
    _Shape("national_id.mx_curp", (_EDGE + r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[0-9A-Z]\d(?!\w)"), _valid("mx.curp")),
    _Shape("national_id.other", (_EDGE + r"\d(?:[ .\-/]?\d){7,14}(?![\w-])"), _is_national, _ID_WORDS + r"\D{0,20}$"),
    _Shape("national_id.kr_rrn", (_EDGE + r"\d{6}-[1-8]\d{6}(?!\w)"), _valid("kr.rrn")),
    _Shape(
        "national_id.jp_my_number",
        (_EDGE + r"\d{4}[ -]?\d{4}[ -]?\d{4}(?!\w)"),
        _valid("jp.in_"),
        ("マイナンバー|個人番号|my number"),
    ),
    _Shape(
        "phone",
        (r"(?<![\w.,])\+\d{1,3}[ .\-/]?(?:\(0?\d{1,4}\)[ .\-]?)?\d{1,5}(?:[ .\-/]?\d{2,5}){1,5}(?!\w|[.,]\d)"),
        _is_phone,
    ),
    _Shape(
        "phone", (r"(?<![\w.,$)])(?:1[ .\-])?\([2-9]\d{2}\) ?\d{3}[-. ]\d{4}(?: ?x\d{1,6})?(?!\w|[.,]\d)"), _is_phone
    ),
    _Shape(
        "phone", (_EDGE + r"(?:1[.\-])?[2-9]\d{2}([.\-])[2-9]\d{2}\1\d{4}(?: ?x\d{1,6})?(?!\w|[.,-]\d|%)"), _is_phone
    ),
    _Shape("phone", (_EDGE + r"0\d{8,11}(?!\w|[.,]\d|%)"), _is_phone, _PHONE_WORDS),
    _Shape("phone", (_EDGE + r"\d{10,11}(?!\w|[.,]\d|%)"), _is_phone, _PHONE_WORDS_ALONE),
    _Shape(
        "phone",
        (r"(?<![\w.,$€£-])\(?0?\d{1,5}\)?(?:[ .\-/]{1,3}\d{2,8}){1,5}(?!\w|[.,]\d|%)"),
        _is_phone,
        _PHONE_WORDS,
    ),
    _Shape("address", (r"(?<!\w)\d{1,5}[A-Za-z]? (?:[A-Z][\w'.-]{1,20} ){1,4}" + _STREETS + r"(?!\w)"), _always),
    _Shape(
        "address",
        (
            r"(?<!\w)[A-ZÄÖÜ][\wäöüß-]{2,25}(?:straße|strasse|str\.|weg|allee|platz|gasse|ring|ufer)"
            r" \d{1,4} ?[a-z]?(?!\w)"
        ),
        _always,
    ),
    _Shape(
        "address",
        (
            r"(?<!\w)\d{1,4}(?: (?:bis|ter))?,? (?:rue|avenue|boulevard|place|chemin|impasse|allée|quai)"
            r"(?: [\wÀ-ÿ'-]{1,20}){1,5}"
        ),
        _always,
    ),
    _Shape(
        "address",
        (r"(?<!\w)\d{1,5}[A-Za-z]?,? (?:[^\W\d_][\w'.-]{1,20} ){0,3}[^\W\d_a-z][\w'-]{1,20}(?!\w)"),
        _always,
        _PLACE_WORDS,
    ),
    _Shape(
        "address",
        (r"(?<!\w)(?=[^\W\d_a-z])(?:[^\W\d_][\w'./-]{1,20} ){0,4}[^\W\d_][\w'.-]{2,25},? ?\d{1,5}[a-zA-Z]?(?!\w)"),
        _always,
        _PLACE_WORDS,
    ),
    _Shape(
        "birth_date",
        (
            r"(?<!\w)(?:\d{1,2}[./-]\d{1,2}[./-]\d{2,4}|\d{4}-\d{2}-\d{2}"
            r"|(?:\d{1,2}\.? )?[A-Z][a-z]{2,8} (?:\d{1,2}(?:st|nd|rd|th)?,? )?\d{4})(?!\w)"
        ),
        _always,
        _BIRTH_WORDS,
    ),
)
"""In the order in which one is tried before another that starts at the same letter and is as long."""
