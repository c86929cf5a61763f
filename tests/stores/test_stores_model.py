"""Random documents and random questions: every backend answers as the plain Python model does."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from servers.stores import BACKENDS, run_pipeline
from trainer.core.errors import UsageError
from trainer.core.values import StoredData
from trainer.stores import DocumentWrite
from trainer.stores.match import distinct_values, elements_at, matches, select, view_of
from trainer.stores.pipeline import parse_pipeline
from trainer.stores.query import document_field, parse_query

# Shrinking runs a failing example hundreds of times more, each with a database of its own.
SHORT = settings(
    max_examples=10,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
LONG = settings(SHORT, max_examples=500)
NUMBERS = [
    0,
    1,
    -1,
    1.0,
    0.5,
    1e-7,
    2**53 - 1,
    2**53,
    2**53 + 1,
    2**63,
    10**30,
    10**400,
    1e22,
    1e300,
    -(2**60),
    0.1 + 0.2,
]
TEXTS = [
    "",
    "a",
    "ab",
    "B",
    "1",
    "é",
    "e\u0301",
    "\U0001f600",
    "\uffff",
    "a\0b",
    "2025-02-14",
    "a\nb",
    '"',
    "\\",
    "%_",
    "null",
]
NAMES = ["a", "b", "0", "1", "é", "a.b", "", "x/y~", "'\"", "-1", "01", "*", "$"]
numbers = st.sampled_from(NUMBERS) | st.integers(-3, 3) | st.floats(allow_nan=False, allow_infinity=False, width=32)
texts = st.sampled_from(TEXTS) | st.text("ab\0é", max_size=3)
scalars = st.none() | st.booleans() | numbers | texts
names = st.sampled_from(NAMES)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=6
)
documents = st.lists(
    st.builds(
        DocumentWrite,
        key=st.text("ab%_é\U0001f600Z", min_size=1, max_size=3),
        data=st.dictionaries(names, values, max_size=3) | values,
        metadata=st.dictionaries(names, scalars, max_size=2),
        source=st.sampled_from(["file", "api", "é"]),
        ttl=st.none() | st.integers(1, 3),
    ),
    min_size=1,
    max_size=8,
)
plain_names = st.sampled_from(["a", "b", "0", "1", "é", "a\\.b", "", "x/y~", "'\"", "-1", "01", "*"])
paths = st.lists(plain_names, min_size=1, max_size=3).map(".".join)
fields = st.one_of(
    paths.map("data.{}".format),
    paths.map("metadata.{}".format),
    paths.filter(lambda path: path.split(".")[0] not in ("", "data", "metadata")),
    st.sampled_from(["data", "metadata", "key", "version", "source", "ttl"]),
)
moments = st.sampled_from(["2025-02-14T12:00:00Z", "2025-02-14", "2026-01-01", None])
patterns = st.sampled_from(["a", "^a", "a.b", "b$", "a|é", "[ab]+", "(?i)A", "^", "", ".", "\\d", "^a*b?$", "%", "_"])
operations = st.one_of(
    values.map(lambda value: {"$eq": value}),
    values.map(lambda value: {"$ne": value}),
    st.builds(lambda name, value: {name: value}, st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), numbers | texts),
    st.builds(lambda name, items: {name: items}, st.sampled_from(["$in", "$nin"]), st.lists(scalars, max_size=3)),
    st.booleans().map(lambda flag: {"$exists": flag}),
    patterns.map(lambda pattern: {"$regex": pattern}),
)
leaves = st.one_of(
    st.builds(lambda field, scalar: {field: scalar}, fields, scalars),
    st.builds(lambda field, operation: {field: operation}, fields, operations),
    st.builds(lambda field, operation: {field: {"$not": operation}}, fields, operations),
    st.builds(lambda field, one, two: {field: {**one, **two}}, fields, operations, operations),
    st.builds(lambda moment: {"updated_at": {"$ne": moment}}, moments),
    st.builds(lambda moment: {"stored_at": {"$lt": moment}}, moments.filter(bool)),
)
filters = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(
            lambda name, parts: {name: parts}, st.sampled_from(["$and", "$or"]), st.lists(inner, min_size=1, max_size=3)
        ),
        inner.map(lambda part: {"$not": part}),
        st.builds(lambda one, two: {**one, **two}, inner, inner),
    ),
    max_leaves=4,
)
sorts = st.dictionaries(fields, st.sampled_from([1, -1]), max_size=2)
figures = st.builds(
    lambda name, field: {name: {} if name == "$count" else f"${field}"},
    st.sampled_from(["$sum", "$avg", "$min", "$max", "$count", "$first", "$last", "$push"]),
    fields,
)
pipelines = st.builds(
    lambda first, middle, group, last: [*first, *middle, *group, *last],
    st.lists(filters.map(lambda found: {"$match": found}), max_size=1),
    st.lists(
        st.one_of(
            sorts.map(lambda sort: {"$sort": sort}),
            st.integers(0, 3).map(lambda count: {"$skip": count}),
            paths.map(lambda path: {"$unwind": f"$data.{path}"}),
        ),
        max_size=2,
    ),
    st.lists(
        st.one_of(
            st.builds(lambda by, figure: {"$group": {"_id": f"${by}", "x": figure}}, fields, figures),
            st.builds(
                lambda by, figure: {"$group": {"_id": by, "n": {"$count": {}}, "x": figure}},
                scalars.filter(lambda value: not str(value).startswith("$")),
                figures,
            ),
            st.builds(
                lambda one, two: {"$group": {"_id": {"p": f"${one}", "q": f"${two}"}, "n": {"$count": {}}}},
                fields,
                fields,
            ),
            st.builds(lambda field: {"$project": {"x": f"${field}", "key": 1}}, fields),
        ),
        max_size=1,
    ),
    st.lists(st.integers(0, 3).map(lambda count: {"$limit": count}), max_size=1),
)
questions = st.tuples(filters, sorts, st.none() | st.integers(0, 3), st.integers(0, 2))


@pytest.fixture(params=BACKENDS, scope="module")
def bench(request, tmp_path_factory):
    with BACKENDS[request.param](tmp_path_factory.mktemp("model")) as bench:
        yield bench


def exactly(found):
    """Values with their types, so that 1, 1.0 and True differ."""
    return repr(found)


def fill(store, drafts) -> list[StoredData]:
    store.remove([(found.key, found.version) for found in store.export_documents()])
    store.store_many(drafts)
    model = {draft.key: draft for draft in drafts}
    found = list(store.scan())
    assert [document.key for document in found] == sorted(model)
    assert [exactly(document.data) for document in found] == [exactly(model[key].data) for key in sorted(model)]
    return found


@SHORT
@given(drafts=documents, asked=st.lists(questions, min_size=4, max_size=4), fields=fields)
def test_queries_are_answered_as_by_the_model(bench, drafts, asked, fields):
    compare_queries(bench.store, drafts, asked, fields)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@LONG
@given(drafts=documents, asked=st.lists(questions, min_size=9, max_size=9), fields=fields)
def test_thousands_of_queries_are_answered_as_by_the_model(bench, drafts, asked, fields):
    compare_queries(bench.store, drafts, asked, fields)


@SHORT
@given(drafts=documents, asked=st.lists(pipelines, min_size=6, max_size=6))
def test_pipelines_are_answered_as_by_the_model(bench, drafts, asked):
    compare_pipelines(bench.store, drafts, asked)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@LONG
@given(drafts=documents, asked=st.lists(pipelines, min_size=9, max_size=9))
def test_thousands_of_pipelines_are_answered_as_by_the_model(bench, drafts, asked):
    compare_pipelines(bench.store, drafts, asked)


def compare_queries(store, drafts, asked, field):
    model = fill(store, drafts)
    for where, sort, limit, offset in asked:
        expected = select(model, parse_query(where, sort=sort, limit=limit, offset=offset))
        matching = select(model, parse_query(where))
        values = (value for document in matching for value in elements_at(view_of(document), document_field(field)))

        assert store.query(where, limit, sort, offset) == expected
        assert store.count(where) == len(matching)
        assert list(store.scan(where)) == matching
        assert exactly(store.distinct(field, where)) == exactly(distinct_values(values))


def compare_pipelines(store, drafts, asked):
    model = fill(store, drafts)
    for pipeline in asked:
        stages = parse_pipeline(pipeline)
        expected = outcome(run_pipeline, stages, lambda where: [found for found in model if matches(found, where)])

        assert outcome(store.aggregate, pipeline) == expected


def outcome(call, *arguments):
    """What came of it, a sum too large for a number included."""
    try:
        return exactly(call(*arguments))
    except UsageError as error:
        return str(error)


def test_a_number_that_python_would_not_read_again_is_refused(bench):
    with pytest.raises(UsageError, match=r"data holds a number of thousands of digits at a\.1"):
        bench.store.store("long", {"a": [1, 10**4300]})
