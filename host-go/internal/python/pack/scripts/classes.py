# fails: to show a traceback
from __future__ import annotations

import abc
import contextlib
import copy
import dataclasses
import enum
import inspect
import itertools
import pathlib
import shapes
import tempfile
import traceback
import typing
from collections import ChainMap, OrderedDict, defaultdict, deque, namedtuple


class Colour(enum.Enum):
    RED = "red"
    BLUE = enum.auto()


class Shape(abc.ABC):
    registry: typing.ClassVar[dict[str, type]] = {}

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        Shape.registry[cls.__name__] = cls

    @abc.abstractmethod
    def area(self) -> float: ...

    @property
    def name(self):
        return type(self).__name__

    def __lt__(self, other):
        return self.area() < other.area()


@dataclasses.dataclass(order=True)
class Point(Shape):
    x: int
    y: int = 0
    tags: list[str] = dataclasses.field(default_factory=list, compare=False)

    def area(self):
        return 0.0

    @classmethod
    def of(cls, text):
        return cls(*map(int, text.split(",")))

    @staticmethod
    def zero():
        return Point(0)


class Circle(Shape):
    __slots__ = ("radius",)

    def __init__(self, radius):
        self.radius = radius

    def area(self):
        return 3.14 * self.radius**2

    def __repr__(self):
        return f"Circle({self.radius!r})"


Pair = namedtuple("Pair", "left right")
Stack = list[int]


class Broken(ValueError):
    pass


def kind(value):
    match value:
        case Point(x=0, y=y):
            return f"on the axis at {y}"
        case {"type": str(name), **rest}:
            return name, rest
        case [first, *others] if others:
            return first
        case int() | float():
            return "number"
        case _:
            return "other"


def generator(n):
    try:
        for i in range(n):
            got = yield i
            if got:
                yield got
    finally:
        print("closed")


@contextlib.contextmanager
def managed():
    yield "managed"


async def stream():
    for i in range(3):
        yield i


g = generator(3)
next(g), g.send(9)
g.close()
with managed() as m, contextlib.suppress(KeyError), tempfile.TemporaryDirectory() if False else contextlib.nullcontext():
    {}["missing"]
seen = [x async for x in stream()]
points = sorted([Point.of("1,2"), Point.zero(), Point(0, 5)])
copied = copy.deepcopy(points)
grouped = defaultdict(list)
for shape in (*points, Circle(2)):
    grouped[shape.name].append(shape)
kinds = [kind(p) for p in points] + [kind({"type": "a", "b": 1}), kind([1, 2]), kind(2.5), kind(None)]
queue = deque([1, 2, 3], maxlen=2)
chain = ChainMap({"a": 1}, OrderedDict(b=2))
pair = Pair(1, right=2)._replace(left=3)
squares = {n: n**2 for n in range(10) if n & 1}
union = {1, 2} | {3} - {4} ^ {5}
first, *rest = itertools.chain([1], (2, 3))
if (n := len(rest)) > 1:
    print(n, chain["b"], queue, union, dataclasses.asdict(points[0]), dataclasses.replace(points[0], x=9), Colour.RED, Colour("red"))
print(inspect.signature(kind), pathlib.PurePosixPath("/a/b.txt").suffix, shapes.Square(3).area(), max(points), {**squares})
try:
    try:
        int("no")
    except ValueError as error:
        raise Broken("broken") from error
except Broken:
    print(traceback.format_exc())
try:
    raise ExceptionGroup("several", [ValueError(1), TypeError(2)])
except* ValueError as group:
    print(group.exceptions)
except* TypeError:
    pass
del first
(lambda: [][1])()
