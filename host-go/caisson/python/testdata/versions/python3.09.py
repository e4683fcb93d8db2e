"""Python 3.9: union of dicts, str.removeprefix, generics of the built-in collections, any decorator, zoneinfo."""
import functools
import graphlib
import math
import random
import zoneinfo

assert {"a": 1} | {"b": 2} == {"a": 1, "b": 2}
d = {"a": 1}
d |= [("a", 2)]
assert d == {"a": 2}
assert "test_x".removeprefix("test_") == "x" and "x.py".removesuffix(".py") == "x"


def total(numbers: list[int], names: dict[str, tuple[int, ...]] | None = None) -> int:
    return sum(numbers)


assert total([1, 2]) == 3 and list[int].__args__ == (int,)
decorators = [functools.cache]


@decorators[0]
def cached(n):
    return n


assert cached(1) == 1
assert list(graphlib.TopologicalSorter({"b": {"a"}}).static_order()) == ["a", "b"]
assert math.lcm(4, 6) == 12 and math.nextafter(1.0, 2.0) > 1 and len(random.randbytes(3)) == 3
try:
    zoneinfo.ZoneInfo("Nowhere/Nowhere")
except zoneinfo.ZoneInfoNotFoundError:
    pass
with (open_ := __import__("contextlib").nullcontext(1)) as one, open_ as two:
    pass
return "ok", one + two
