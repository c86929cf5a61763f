"""Write the figures of an annual report as filed with the SEC (inline XBRL) as a data file.

    python scripts/normalise_annual_report.py abbv-10-k.html 2025-02-14 URL information/data/ABBV-annual-report.json

The statements come in the shape of the source `sec_filings`, made by the same function, with three things its service
does not hold: the latest year's revenue by product, that of the largest products by year, and that by area.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from trainer.core.files import write_atomic
from trainer.core.values import Field
from trainer.sources.base import fields_as_metadata
from trainer.sources.edgar_shapes import shape_facts

PRODUCT, REGION = "srt:ProductOrServiceAxis", "srt:StatementGeographicalAxis"
REVENUE = "us-gaap:RevenueFromContractWithCustomerExcludingAssessedTax"
HOME, ABROAD = "country:US", "us-gaap:NonUsMember"
LARGEST = 8


@dataclass(frozen=True, slots=True)
class Fact:
    """One tagged figure."""

    concept: str
    unit: str
    value: int | float
    start: str | None
    end: str
    dimensions: tuple[tuple[str, str], ...]


def main(report: str, filed: str, url: str, target: str) -> None:
    """Write the envelope of one report."""
    document = ElementTree.parse(report).getroot()
    facts = list(read_facts(document))
    service = {
        "cik": _said(document, "dei:EntityCentralIndexKey"),
        "entityName": _said(document, "dei:EntityRegistrantName"),
        "facts": {"us-gaap": _concepts(facts, filed)},
    }
    shaped = shape_facts(service, years=3)
    annual = {name: value for name, value in shaped.data.items() if name != "quarterly"}
    products = _products(facts)
    largest = [each["name"] for each in products if not each["name"].startswith("Other")][:LARGEST]
    fields = {
        **{path: meaning for path, meaning in shaped.fields.items() if not path.startswith("quarterly.")},
        "products.name": Field("Product", "text"),
        "products.area": Field("Area", "text"),
        "products.totalRevenue": Field("Revenue", "USD"),
        "products.unitedStates": Field("Revenue in the United States", "USD"),
        "products.international": Field("Revenue elsewhere", "USD"),
        "products.previousRevenue": Field("Revenue, a year earlier", "USD"),
        "productRevenue.date": Field("Year ended", "date"),
        **{f"productRevenue.{_path(product)}": Field(product, "USD") for product in largest},
    }
    envelope = {
        "source": "sec_filings",
        "retrieved_at": f"{filed}T00:00:00Z",
        "url": url,
        "subject": shaped.data["name"],
        "as_of": shaped.as_of,
        "fields": fields_as_metadata(fields),
        "data": {**annual, "products": products, "productRevenue": _by_year(facts, largest)},
    }
    write_atomic(Path(target), json.dumps(envelope, indent=2, ensure_ascii=False) + "\n")


def read_facts(document: Any) -> Iterator[Fact]:
    """The tagged figures of an inline XBRL document."""
    contexts = {str(element.get("id")): _context(element) for element in _all(document, "context")}
    for element in _all(document, "nonFraction"):
        if "".join(element.itertext()).strip() and not str(element.get("format")).endswith("numwordsen"):
            context = contexts[str(element.get("contextRef"))]
            yield Fact(str(element.get("name")), str(element.get("unitRef")), _value(element), **context)


def _all(document: Any, tag: str) -> Iterator[Any]:
    return (element for element in document.iter() if str(element.tag).endswith("}" + tag))


def _said(document: Any, concept: str) -> str:
    """The first text tagged as `concept`."""
    tagged = (each for each in _all(document, "nonNumeric") if each.get("name") == concept)
    return " ".join("".join(next(tagged).itertext()).split())


def _context(element: Any) -> dict[str, Any]:
    parts = {part.tag.rpartition("}")[2]: part.text for part in element.iter()}
    members = [part for part in element.iter() if part.tag.endswith("}explicitMember")]
    return {
        "start": parts.get("startDate"),
        "end": parts.get("endDate") or parts.get("instant"),
        "dimensions": tuple(sorted((str(part.get("dimension")), str(part.text)) for part in members)),
    }


def _value(element: Any) -> int | float:
    text = "".join(element.itertext()).replace(",", "").strip()
    digits = "0" if str(element.get("format")).endswith("fixed-zero") else text
    scale = int(element.get("scale") or 0)
    whole, _, fraction = digits.partition(".")
    sign = -1 if element.get("sign") == "-" else 1
    if len(fraction) <= scale:
        return sign * int(whole + fraction.ljust(scale, "0"))
    return sign * float(f"{digits}e{scale}")


def _concepts(facts: list[Fact], filed: str) -> dict[str, Any]:
    """The facts of the whole company by concept, as EDGAR's service sends them."""
    units = {"usd": "USD", "usdPerShare": "USD/shares", "shares": "shares"}
    concepts: dict[str, Any] = {}
    for fact in facts:
        taxonomy, _, name = fact.concept.partition(":")
        if fact.dimensions or taxonomy != "us-gaap" or fact.unit not in units:
            continue
        observation = {"end": fact.end, "val": fact.value, "filed": filed}
        observation |= {"start": fact.start} if fact.start else {}
        concepts.setdefault(name, {"units": {}})["units"].setdefault(units[fact.unit], []).append(observation)
    return concepts


def _products(facts: list[Fact]) -> list[dict[str, Any]]:
    """The latest year's revenue by product, the largest first."""
    revenue = _revenue(facts)
    latest, previous = sorted({year for year, _, _ in revenue}, reverse=True)[:2]
    rows = []
    for year, product, region in revenue:
        if year == latest and region == "":
            figures = {
                "totalRevenue": revenue[latest, product, ""][0],
                "unitedStates": revenue.get((latest, product, HOME), (None, ""))[0],
                "international": revenue.get((latest, product, ABROAD), (None, ""))[0],
                "previousRevenue": revenue.get((previous, product, ""), (None, ""))[0],
            }
            area = revenue[latest, product, ""][1]
            row = {"name": product, "area": area, **figures}
            rows.append({name: value for name, value in row.items() if value not in (None, "")})
    return sorted(rows, key=lambda row: (-row["totalRevenue"], row["name"]))


def _by_year(facts: list[Fact], products: list[str]) -> list[dict[str, Any]]:
    revenue = _revenue(facts)
    return [
        {"date": year, **{_path(name): revenue[year, name, ""][0] for name in products if (year, name, "") in revenue}}
        for year in sorted({year for year, _, _ in revenue})
    ]


def _revenue(facts: list[Fact]) -> Mapping[tuple[str, str, str], tuple[int | float, str]]:
    """Revenue and area by year, product and region; the region of the whole is empty."""
    found: dict[tuple[str, str, str], tuple[int | float, str]] = {}
    for fact in facts:
        members = dict(fact.dimensions)
        if fact.concept != REVENUE or PRODUCT not in members or not fact.start or fact.end[5:] != "12-31":
            continue
        if fact.start[5:] != "01-01":
            continue
        area = next((name for axis, name in members.items() if axis not in (PRODUCT, REGION)), "")
        key = (fact.end, _label(members[PRODUCT]), members.get(REGION, ""))
        found.setdefault(key, (fact.value, _label(area)))
    # What is sold in one region only has no total of its own.
    for (year, product, _), value in list(found.items()):
        found.setdefault((year, product, ""), value)
    return found


_PAIRS = {"LumiganGanfort": "Lumigan/Ganfort", "LinzessConstella": "Linzess/Constella"} | {
    "AlphaganCombigan": "Alphagan/Combigan"
}


def _label(member: str) -> str:
    """`abbv:BotoxCosmeticMember` -> `Botox Cosmetic`, `abbv:HUMIRAMember` -> `Humira`."""
    name = member.rpartition(":")[2].removesuffix("Member")
    if name in _PAIRS:
        return _PAIRS[name]
    return name.capitalize() if name.isupper() else re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)


def _path(product: str) -> str:
    return re.sub(r"\W+", "", product[:1].lower() + product[1:])


if __name__ == "__main__":
    main(*sys.argv[1:])
