"""Where something is in an answer: a JSON pointer (RFC 6901), or a JMESPath where it does not begin with a slash."""

from __future__ import annotations

import re

from trainer.core.values import Json

_POINTER = re.compile(r"(/([^/~]|~[01])*)*")
_INDEX = re.compile(r"0|[1-9][0-9]{0,17}")  # no leading zeros, no digits of other scripts


class NotThere(LookupError):
    """The document has nothing at the pointer; the message says how far it goes."""


def resolve(document: Json, pointer: str) -> Json:
    """What the document holds at `pointer`: `/studies/0/id`; all of it for the empty pointer. Raises NotThere."""
    value = document
    walked = ""
    if not is_pointer(pointer):
        raise NotThere(f'"{pointer}" is no JSON pointer: it begins with / and writes ~ as ~0')
    for token in pointer.split("/")[1:] if pointer else []:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and _INDEX.fullmatch(name) and int(name) < len(value):
            value = value[int(name)]
        else:
            raise NotThere(f"nothing at {walked}/{token}: {_held(value)}")
        walked += f"/{token}"
    return value


def look_up(document: Json, expression: str) -> Json:
    """What the document holds at a pointer, or what a JMESPath makes of it. Raises NotThere."""
    if not expression or expression.startswith("/"):
        return resolve(document, expression)
    import jmespath

    try:
        value = jmespath.search(expression, document)
    except jmespath.exceptions.JMESPathError as error:
        raise NotThere(f"{expression} does not fit the answer: {error}") from error
    if value is None:
        raise NotThere(f"nothing at {expression}: {_held(document)}")
    return value


def fault_of(expression: str) -> str:
    """Why the text is neither a pointer nor a JMESPath; empty where it is one of them."""
    if not expression or expression.startswith("/"):
        return "" if is_pointer(expression) else "is not a JSON pointer"
    import jmespath

    try:
        jmespath.compile(expression)
    except jmespath.exceptions.JMESPathError as error:
        return f"is not a JMESPath: {str(error).splitlines()[0]}"
    return ""


def is_pointer(text: str) -> bool:
    """Whether the text is a JSON pointer."""
    return _POINTER.fullmatch(text) is not None


def _held(value: Json) -> str:
    if isinstance(value, dict):
        names = sorted(value)[:10]
        return f"there are {', '.join(names)}" if names else "there is an empty object"
    return f"there is a list of {len(value)}" if isinstance(value, list) else "there is a single value"
