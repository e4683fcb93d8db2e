"""Python 3.12: type parameters, the type statement, any expression in f-strings, override, batched."""
import calendar
import itertools
import typing

type Pair[T] = tuple[T, T]
type Tree = dict[str, Tree] | None


class Stack[T]:
    def __init__(self) -> None:
        self.items: list[T] = []

    def push(self, item: T) -> None:
        self.items.append(item)

    @typing.override
    def __repr__(self):
        return f"Stack({self.items})"


def first[T: (int, str)](items: list[T]) -> T:
    return items[0]


stack = Stack[int]()
stack.push(first([1]))
assert repr(stack) == "Stack([1])" and Pair.__type_params__ and Pair[int].__args__ == (int,)
songs = ["a", "b"]
assert f"{", ".join(songs)} {f"{f"{1}"}"} {'\n'.join(songs)}" == "a, b 1 a\nb"
assert list(itertools.batched("abcde", 2)) == [("a", "b"), ("c", "d"), ("e",)]
assert calendar.Month.JANUARY == 1


class Options(typing.TypedDict):
    name: str


def named(**options: typing.Unpack[Options]):
    return options["name"]


# Comprehensions have no frame of their own, and their names are still theirs.
x = "outer"
squares = [x * x for x in range(3)]
assert x == "outer" and squares == [0, 1, 4]
assert isinstance(memoryview(b"x"), __import__("collections").abc.Buffer)
return "ok", named(name="n")
