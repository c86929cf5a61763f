"""Results of assertions as JUnit XML, which CI servers read."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from trainer.actions.instruction_tests import CaseResult, InstructionTest, VariantResult

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold (section 2.2)."""


def junit_xml(test: InstructionTest) -> str:
    """A test suite for each variant, with a test case for each assertion on each case."""
    root = ElementTree.Element("testsuites", name=_plain(test.instruction))
    for variant in test.variants:
        root.append(_suite(test.instruction, variant))
    ElementTree.indent(root)
    text: str = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _suite(instruction: str, variant: VariantResult) -> ElementTree.Element:
    errors = sum(len(case.assertions) for case in variant.cases if case.error)
    suite = ElementTree.Element(
        "testsuite",
        name=_plain(variant.name),
        tests=str(variant.asserted),
        failures=str(variant.asserted - variant.passed - errors),
        errors=str(errors),
        skipped="0",
        time=f"{sum(case.seconds for case in variant.cases):.3f}",
    )
    for case in variant.cases:
        suite.extend(_cases(f"{instruction}: {case.name}", case))
    return suite


def _cases(classname: str, case: CaseResult) -> list[ElementTree.Element]:
    elements = []
    for number, assertion in enumerate(case.assertions):
        name = _plain(str(assertion.expectation))
        time = f"{case.seconds:.3f}" if number == 0 else "0"  # one answer serves all assertions of its case
        element = ElementTree.Element("testcase", classname=_plain(classname), name=name, time=time)
        if assertion.failure:
            kind = "error" if case.error else "failure"
            ElementTree.SubElement(element, kind, message=_plain(assertion.failure), type=assertion.expectation.kind)
        elements.append(element)
    return elements


def _plain(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
