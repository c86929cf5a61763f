import re

import pytest

from trainer.core.secrets import _SHAPES
from trainer.security.patterns import ADVICE, RULES

REPEATS = {re._constants.MAX_REPEAT, re._constants.MIN_REPEAT}


def endless_repeats(items, *, within=False):
    """How often something without an upper bound repeats inside something that repeats."""
    found = 0
    for kind, value in items:
        if kind in REPEATS:
            _, high, inner = value
            found += within and high == re._constants.MAXREPEAT
            found += endless_repeats(inner, within=within or high > 1)
        elif kind is re._constants.SUBPATTERN:
            found += endless_repeats(value[-1], within=within)
        elif kind is re._constants.BRANCH:
            found += sum(endless_repeats(branch, within=within) for branch in value[1])
    return found


@pytest.mark.parametrize(("pattern", "count"), [("(a+)+b", 1), ("(?:a|b*){2,5}", 1), ("a+b*(?:cd{1,3}){0,4}", 0)])
def test_the_check_itself_knows_a_bad_pattern(pattern, count):
    assert endless_repeats(re._parser.parse(pattern)) == count


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.kind} {rule.triggers[0]}")
def test_a_rule_repeats_nothing_endless_inside_a_repetition_and_has_advice(rule):
    assert endless_repeats(re._parser.parse(rule.compiled.pattern)) == 0
    assert rule.kind in ADVICE
    assert 0 < rule.weight < 1
    assert all(trigger == trigger.lower() for trigger in rule.triggers)


@pytest.mark.parametrize("shape", [shape for _, _, shape in _SHAPES])
def test_a_shape_of_a_secret_repeats_nothing_endless_inside_a_repetition(shape):
    assert endless_repeats(re._parser.parse(shape)) == 0
