"""Python 3.10: match, X | Y types, parenthesized with, zip(strict=True), better errors."""
import contextlib
import dataclasses
import itertools
import types


@dataclasses.dataclass(slots=True, kw_only=True)
class Point:
    x: int
    y: int = 0


def kind(value):
    match value:
        case 0 | 1:
            return "bit"
        case int(n) if n < 0:
            return "negative"
        case str() as text:
            return text
        case [Point(x=0), *_] | (Point(y=0),):
            return "on an axis"
        case {"kind": "a", "n": n, **rest}:
            return n, rest
        case None:
            return "none"
        case _:
            return "other"


assert [kind(v) for v in (1, -5, "t", [Point(x=0)], {"kind": "a", "n": 1, "z": 2}, None, 2.5)] == [
    "bit", "negative", "t", "on an axis", (1, {"z": 2}), "none", "other",
]
assert isinstance(1, int | str) and isinstance(int | None, types.UnionType)
with (
    contextlib.nullcontext(1) as a,
    contextlib.nullcontext(2) as b,
):
    assert a + b == 3
try:
    list(zip([1], [1, 2], strict=True))
    raise AssertionError("strict")
except ValueError:
    pass
assert list(itertools.pairwise("abc")) == [("a", "b"), ("b", "c")]
assert (5).bit_count() == 2 and sorted([3, 1]) == [1, 3]
# At the top level too, names are bound.
match {"top": [1, 2]}:
    case {"top": [first, *others]}:
        pass
match = case = type = 1  # Soft keywords are names.


async def numbers():
    yield 1


assert await anext(aiter(numbers())) == 1
return "ok", first, others
