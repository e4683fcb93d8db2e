"""Python 3.14: template strings, annotations that are evaluated late, except without parentheses, and more."""
import annotationlib
import asyncio
import pathlib
import string.templatelib
import uuid

name = "<ann>"
template = t"Hello {name!r:>10}, {1 + 1}"
assert isinstance(template, string.templatelib.Template)
assert [part if isinstance(part, str) else part.value for part in template] == ["Hello ", "<ann>", ", ", 2]
assert template.interpolations[0].expression == "name" and template.interpolations[0].conversion == "r"


class Node:
    next: Node | None = None
    later: Undefined


assert annotationlib.get_annotations(Node, format=annotationlib.Format.STRING) == {"next": "Node | None", "later": "Undefined"}
try:
    int("x")
except ValueError, TypeError:
    caught = True
assert caught


def annotated(x: Nowhere) -> list[Nowhere]: ...


assert annotationlib.get_annotations(annotated, format=annotationlib.Format.FORWARDREF)
assert uuid.uuid7().version == 7 and uuid.uuid6().version == 6
from compression import zlib

assert zlib.decompress(zlib.compress(b"x")) == b"x"


async def sub():
    return asyncio.current_task() is not None


assert await asyncio.gather(sub(), sub()) == [True, True]
assert pathlib.PurePath("a").with_suffix(".b").name == "a.b" and float.from_number(1) == 1.0
return "ok", f"{name}"
