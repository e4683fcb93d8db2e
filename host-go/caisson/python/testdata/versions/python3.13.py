"""Python 3.13: defaults of type parameters, locals() with a meaning, copy.replace, deprecated, ReadOnly."""
import copy
import dataclasses
import itertools
import random
import typing
import warnings


class Box[T = int]:
    pass


@dataclasses.dataclass(frozen=True)
class Point:
    x: int
    y: int


assert copy.replace(Point(1, 2), y=5) == Point(1, 5)


@warnings.deprecated("use another")
def old():
    return 1


with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    assert old() == 1
assert seen[0].category is DeprecationWarning


def local():
    a = 1
    names = locals()
    names["a"] = 2
    return a


assert local() == 1 and locals()["Point"] is Point


class Film(typing.TypedDict):
    title: typing.ReadOnly[str]


def is_text(value: object) -> typing.TypeIs[str]:
    return isinstance(value, str)


assert is_text("x") and list(itertools.batched([1, 2], 2, strict=True)) == [(1, 2)]
assert random.Random(1).binomialvariate(10, 0.5) <= 10
class Doc:
    """
        Indentation is taken off.
    """
return "ok", Box.__type_params__[0].__default__ is int
