"""Groups that a database makes are those that Python makes of the same documents, to the last bits of a double."""

from __future__ import annotations

import random
import sys
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from servers.stores import BACKENDS, run_pipeline
from trainer.core.errors import UsageError
from trainer.stores import DocumentWrite
from trainer.stores.duckdb_store import DuckDBDialect
from trainer.stores.match import distinct_values, elements_at, matches, select, view_of
from trainer.stores.pipeline import parse_pipeline
from trainer.stores.query import document_field, parse_filter, parse_query
from trainer.stores.sql import group_by
from trainer.stores.sql import where as sql_where

SHORT = settings(
    max_examples=8,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
LONG = settings(SHORT, max_examples=500)
WHOLE = [0, 1, -1, 2, 7, 10**6, 2**31, 2**32 + 1, 2**53 - 1, -(2**53) + 1]
BROKEN = [0.1, 0.2, 0.1 + 0.2, 1.0, -0.0, 0.5, 1e-7, 2.5e-12, 123.45, 1e15 + 0.3, -999.99, Decimal("12.50")]
FAR = [2**53, -(2**60), 2**63, 10**30, 10**400, 1e22, 1e300, 5e-324, 1e-30, 1.7976931348623157e308]
calm = st.sampled_from(WHOLE + BROKEN) | st.floats(-1e6, 1e6).map(lambda number: round(number, 4))
texts = st.sampled_from(["", "a", "b", "B", "é", "e\u0301", "\U0001f600", "\uffff", '"', "\\n", "a\nb", "1", "null"])
others = st.none() | st.booleans() | texts | st.sampled_from([date(2025, 2, 14), "2025-02-14"])
lists = st.lists(calm | texts, max_size=2) | st.dictionaries(st.sampled_from(["b", "a"]), calm, max_size=2)


def shapes(numbers, rarely):
    """Documents whose fields are mostly of one kind, as real ones are, with some of another."""
    names = st.sampled_from(["bio", "tech", "é"]) | texts | rarely
    figures = numbers | numbers | others | rarely
    data = st.fixed_dictionaries(
        {"n": numbers},
        optional={"s": names, "x": figures, "deep": st.fixed_dictionaries({}, optional={"y": figures, "l": lists})},
    )
    return st.builds(
        DocumentWrite,
        key=st.text("abcé\U0001f600", min_size=1, max_size=3),
        data=data,
        metadata=st.fixed_dictionaries({}, optional={"m": names}),
        source=st.sampled_from(["file", "api", "é"]),
        ttl=st.none() | st.integers(1, 3),
    )


documents = (
    st.lists(shapes(calm, others), min_size=4, max_size=12)
    | st.lists(shapes(calm, lists), max_size=8)
    | st.lists(shapes(calm | st.sampled_from(FAR), lists), max_size=8)
)
fields = st.sampled_from(
    ["s", "n", "x", "deep.y", "deep", "deep.l.0", "metadata.m", "source", "ttl", "version", "key", "updated_at", "none"]
)
figures = st.one_of(
    st.just({"$count": {}}),
    st.integers(-2, 3).map(lambda count: {"$sum": count}),
    st.sampled_from([{"$sum": 0.5}, {"$avg": 1}, {"$max": "a"}, {"$sum": True}, {"$min": None}]),
    st.builds(
        lambda kind, field: {kind: f"${field}"},
        st.sampled_from(["$sum", "$avg", "$min", "$max"] * 3 + ["$first", "$last", "$push"]),
        st.sampled_from(["n", "n", "x", "deep.y"]) | fields,
    ),
)
identities = st.one_of(
    st.none(),
    fields.map("${}".format),
    st.builds(lambda one, two: {"q": f"${one}", "p": f"${two}", "c": 1.0}, fields, fields),
)
filters = st.sampled_from(
    [
        {},
        {"source": "file"},
        {"n": {"$gt": 0.15}},
        {"s": {"$in": ["bio", "é", None]}},
        {"s": {"$regex": "^b"}},
        {"deep.y": {"$exists": True}},
        {"x": {"$lte": "b"}},
        {"$not": {"x": {"$regex": "a.b"}}},
        {"source": "none"},
    ]
)
groups = st.builds(lambda by, one, two: {"$group": {"_id": by, "f": one, "g": two}}, identities, figures, figures)
sorts = st.builds(lambda field, way: {"$sort": {field: way}}, fields, st.sampled_from([1, -1]))
cuts = st.builds(lambda name, count: {name: count}, st.sampled_from(["$limit", "$skip"]), st.integers(0, 4))
pipelines = st.builds(
    lambda where, before, group, after: [*({"$match": each} for each in where), *before, *group, *after],
    st.lists(filters, max_size=2),
    st.just([]) | st.just([]) | st.builds(lambda sort, cut: [sort, *cut], sorts, st.lists(cuts, max_size=3)),
    groups.map(lambda group: [group])
    | st.builds(lambda field: [{"$project": {"x": f"${field}", "key": 1}}], fields)
    | st.just([{"$unwind": "$deep.l"}]),
    st.sampled_from([[], [{"$sort": {"f": -1}}, {"$limit": 2}], [{"$match": {"f": {"$gt": 0}}}], [{"$skip": 1}]]),
)


@pytest.fixture(params=BACKENDS, scope="module")
def bench(request, tmp_path_factory):
    with BACKENDS[request.param](tmp_path_factory.mktemp("aggregate")) as bench:
        yield bench


@SHORT
@example(
    drafts=[DocumentWrite("a", {"n": 1, "s": "bio"})],
    asked=[[{"$group": {"_id": {"q": "$s", "p": "$s"}, "f": {"$sum": "$n"}, "g": {"$avg": "$n"}}}]],
    field="s",
    where={},
)
@given(drafts=documents, asked=st.lists(pipelines, min_size=4, max_size=4), field=fields, where=filters)
def test_groups_are_those_of_the_model(bench, drafts, asked, field, where):
    compare(bench.store, drafts, asked, field, where)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@LONG
@given(drafts=documents, asked=st.lists(pipelines, min_size=9, max_size=9), field=fields, where=filters)
def test_thousands_of_groups_are_those_of_the_model(bench, drafts, asked, field, where):
    compare(bench.store, drafts, asked, field, where)


def compare(store, drafts, asked, field, where):
    store.remove([(found.key, found.version) for found in store.export_documents()])
    store.store_many(drafts)
    model = list(store.scan())
    assert [document.key for document in model] == sorted({draft.key for draft in drafts})
    for pipeline in asked:
        stages = parse_pipeline(pipeline)
        expected = outcome(lambda stages=stages: run_pipeline(stages, lambda where: chosen(model, where)))

        assert_close(outcome(lambda pipeline=pipeline: store.aggregate(pipeline)), expected, tolerance(model))
    for pipeline in asked:
        sort, limit = first_of(pipeline, "$sort"), first_of(pipeline, "$limit")
        expected = select(model, parse_query(where, sort=sort, limit=limit, offset=1))

        assert store.query(where, limit, sort, 1) == expected
    views = map(view_of, chosen(model, parse_filter(where)))
    values = [value for view in views for value in elements_at(view, document_field(field))]

    assert repr(store.distinct(field, where)) == repr(distinct_values(values))


def first_of(pipeline, name):
    return next((stage[name] for stage in pipeline if name in stage), None)


def chosen(model, condition):
    return [found for found in model if matches(found, condition)]


def outcome(call):
    """What came of it, a sum too large for a number included."""
    try:
        return call()
    except UsageError as error:
        return str(error)


def tolerance(documents):
    """How far two orders of adding all numbers of the documents can lead apart."""
    return 8 * sys.float_info.epsilon * sum(abs(number) for found in documents for number in numbers_in(found.data))


def numbers_in(value):
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from numbers_in(item)
    elif isinstance(value, int | float) and abs(value) < 2**53:
        yield value


def assert_close(one, other, tolerance):
    """The same values of the same types, whole numbers and fractions alike but for rounding."""
    if isinstance(other, bool) or not isinstance(other, int | float | list | dict):
        assert (type(one), one) == (type(other), other)
    elif isinstance(other, int | float):
        assert isinstance(one, int | float)
        assert not isinstance(one, bool)
        assert one == other or abs(one - other) <= tolerance
    elif isinstance(other, dict):
        assert isinstance(one, dict)
        assert list(one) == list(other)
        for name, item in other.items():
            assert_close(one[name], item, tolerance)
    else:
        assert len(one) == len(other)
        for item, wanted in zip(one, other, strict=True):
            assert_close(item, wanted, tolerance)


@pytest.mark.parametrize("numbers", [[0.1, 0.2, 123.45, 1e-7, -99.99], [1e15 + 0.3, 0.1, -1e15, 7], [5e-324]])
def test_a_sum_is_that_of_all_documents_but_for_rounding(bench, numbers):
    numbers = numbers * 40
    exact = sum(map(Fraction, numbers), Fraction())
    for seed in range(2):
        random.Random(seed).shuffle(numbers)
        bench.store.remove([(found.key, found.version) for found in bench.store.export_documents()])
        bench.store.store_many(DocumentWrite(f"k{index}", {"n": number}) for index, number in enumerate(numbers))

        (group,) = bench.store.aggregate([{"$group": {"_id": None, "sum": {"$sum": "$n"}, "mean": {"$avg": "$n"}}}])

        rounding = 8 * sys.float_info.epsilon * float(sum(abs(Fraction(number)) for number in numbers))
        assert abs(group["sum"] - float(exact)) <= rounding
        assert abs(group["mean"] - float(exact) / len(numbers)) <= rounding / len(numbers)


def test_one_and_one_point_nought_name_one_group_and_missing_is_null(bench):
    bench.store.remove([(found.key, found.version) for found in bench.store.export_documents()])
    values = [{"n": 1}, {"n": 1.0}, {"n": -0.0}, {"n": 0}, {"n": None}, {}, {"n": "1"}, {"n": True}]
    bench.store.store_many(DocumentWrite(f"k{index}", value) for index, value in enumerate(values))

    groups = bench.store.aggregate([{"$group": {"_id": "$n", "n": {"$count": {}}}}])

    assert repr([(group["_id"], group["n"]) for group in groups]) == repr(
        [(None, 2), (0, 2), (1, 2), ("1", 1), (True, 1)]
    )


@pytest.mark.parametrize(
    ("where", "group"),
    [
        ({"source": "file"}, {"_id": "$s", "n": {"$count": {}}, "sum": {"$sum": "$deep.y"}, "mean": {"$avg": "$n"}}),
        ({"n": {"$gt": 5}, "s": {"$regex": "a"}}, {"_id": None, "least": {"$min": "$x"}, "most": {"$max": "$x"}}),
        ({}, {"_id": {"a": "$s", "b": "$source"}, "n": {"$sum": 1}}),
    ],
)
def test_what_sql_can_say_is_asked_of_the_database(where, group):
    (stage,) = parse_pipeline([{"$group": group}])

    assert group_by(stage, sql_where(parse_filter(where), DuckDBDialect()), DuckDBDialect()) is not None


@pytest.mark.parametrize(
    ("where", "group"),
    [
        ({}, {"_id": "$s", "all": {"$push": "$n"}}),
        ({}, {"_id": "$s", "first": {"$first": "$n"}, "n": {"$count": {}}}),
        ({"a": {"b": 1}}, {"_id": "$s"}),
        ({"s": {"$regex": "\\d"}}, {"_id": "$s"}),
    ],
)
def test_what_sql_cannot_say_exactly_is_left_to_python(where, group):
    (stage,) = parse_pipeline([{"$group": group}])

    assert group_by(stage, sql_where(parse_filter(where), DuckDBDialect()), DuckDBDialect()) is None
