"""Python 3.8: assignment expressions, positional-only parameters, f"{x=}", and more."""
import functools
import math
import statistics
import typing


def divide(a, b, /, *, digits=2):
    return round(a / b, digits)


assert divide(1, 3) == 0.33
try:
    divide(a=1, b=3)
    raise AssertionError("positional-only")
except TypeError:
    pass
assert [y for x in range(5) if (y := x * x) > 3] == [4, 9, 16] and y == 16
user = "ann"
assert f"{user=} {1 + 1 = }" == "user='ann' 1 + 1 = 2"


class Lazy:
    @functools.cached_property
    def value(self):
        return [1]


lazy = Lazy()
assert lazy.value is lazy.value
assert math.prod([2, 3, 4]) == 24 and math.isqrt(17) == 4 and math.dist((0, 0), (3, 4)) == 5
assert statistics.fmean([1, 2]) == 1.5 and statistics.quantiles([1, 2, 3, 4], n=2)


class Film(typing.TypedDict):
    title: str
    year: int


Mode: typing.Literal["r", "w"] = "r"
Final: typing.Final = 1


@typing.runtime_checkable
class Named(typing.Protocol):
    name: str


film: Film = {"title": "x", "year": 1}
assert not isinstance(film, Named)
assert list(reversed({"a": 1, "b": 2})) == ["b", "a"] and pow(38, -1, mod=97) == 23


def loop():
    for _ in range(1):
        try:
            continue
        finally:
            return "continue in finally"


assert (lambda *a: (*a, 1))(0) == (0, 1)
return "ok", loop()
