"""Data of every shape becomes facts, series and lists."""

from __future__ import annotations

from decimal import Decimal

from trainer.draft.reading import read


def facts(prompt) -> dict[str, str]:
    return {fact.title: fact.text for entity in read(prompt.data) for fact in entity.facts}


def test_keys_become_titles_and_units_come_from_the_fields(make_prompt):
    prompt = make_prompt({"totalSales": 1_250_000, "churn": 0.043}, units={"totalSales": "EUR", "churn": "fraction"})

    assert facts(prompt) == {"Total sales": "€1.250 million", "Churn": "4.3 %"}


def test_nulls_blanks_and_infinities_are_left_out(make_prompt):
    assert facts(make_prompt({"a": None, "b": "  ", "c": float("nan"), "d": [], "e": {}, "f": 1})) == {"F": "1"}


def test_a_numeral_in_text_is_a_number_only_where_its_unit_says_so(make_prompt):
    prompt = make_prompt({"zip": "60064", "price": "19.99"}, units={"price": "USD"})

    assert facts(prompt) == {"Zip": "60064", "Price": "$19.99"}


def test_yes_no_dates_years_and_percentages_are_recognised(make_prompt):
    prompt = make_prompt({"active": True, "closed": "2024-03-01T10:00:00Z", "yearFounded": 1998, "growth_percent": 4.5})

    assert facts(prompt) == {
        "Active": "yes",
        "Closed": "1 March 2024",
        "Year founded": "1998",
        "Growth": "4.5 %",
    }


def test_records_with_dates_become_a_series_in_ascending_order(make_prompt):
    rows = [{"date": "2024-06-30", "sales": 3}, {"date": "2024-03-31", "sales": 2}, {"date": "2023-12-31", "sales": 1}]
    (records,) = read(make_prompt({"quarterly": rows}).data)[0].records

    assert records.labels == ("2023-12-31", "2024-03-31", "2024-06-30")
    assert records.cadence == "quarter"
    assert [cell.figure for _, cell in records.columns[0].known] == [Decimal(1), Decimal(2), Decimal(3)]
    assert records.columns[0].known[0][1].path == "quarterly.2.sales"


def test_a_mapping_of_like_records_becomes_a_list_by_name(make_prompt):
    (records,) = read(make_prompt({"north": {"sales": 5}, "south": {"sales": 7}}).data)[0].records

    assert records.labels == ("north", "south")
    assert records.dated is False


def test_blocks_of_one_symbol_are_one_entity_under_its_longer_name(make_prompt):
    entities = read(
        make_prompt(
            quote={"symbol": "ABBV", "name": "AbbVie Inc.", "price": 5}, books={"symbol": "ABBV", "debt": 6}
        ).data
    )

    assert [entity.name for entity in entities] == ["AbbVie Inc."]
    assert [fact.title for fact in entities[0].facts] == ["Price", "Debt"]


def test_blocks_without_a_common_name_are_two_entities(make_prompt):
    assert [entity.name for entity in read(make_prompt(plant_a={"x": 1}, plant_b={"x": 2}).data)] == [
        "Plant a",
        "Plant b",
    ]


def test_one_title_at_two_places_is_told_apart_by_what_it_stands_in(make_prompt):
    assert facts(make_prompt({"web": {"visits": 1, "x": 1}, "shop": {"visits": 2, "y": 1}}))["Visits, web"] == "1"


def test_a_list_of_plain_values_is_one_line(make_prompt):
    assert facts(make_prompt({"tags": ["new", "blue", 3]})) == {"Tags": "new, blue, 3"}


def test_data_nested_without_end_is_read_to_a_depth(make_prompt):
    tree: dict[str, object] = {"leaf": 1}
    for _ in range(900):
        tree = {"inner": tree, "x": 1}

    assert facts(make_prompt(tree))["X"] == "1"


def test_a_list_at_the_top_is_data_too(make_prompt):
    (records,) = read(make_prompt([{"name": "a", "v": 1}, {"name": "b", "v": 2}]).data)[0].records

    assert records.labels == ("a", "b")
