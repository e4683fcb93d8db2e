"""Python 3.11: exception groups and except*, notes, TaskGroup and timeout, tomllib, Self, StrEnum, starred index."""
import asyncio
import datetime
import enum
import hashlib
import re
import tomllib
import typing

caught = []
try:
    raise ExceptionGroup("several", [ValueError("a"), TypeError("b"), ExceptionGroup("inner", [ValueError("c")])])
except* ValueError as group:
    caught.append(len(group.exceptions))
except* TypeError as group:
    caught.append(str(group.exceptions[0]))
assert caught == [2, "b"], caught
try:
    error = ValueError("x")
    error.add_note("look there")
    raise error
except ValueError as e:
    assert e.__notes__ == ["look there"]


async def work(n):
    await asyncio.sleep(0)
    return n


async with asyncio.TaskGroup() as tasks:
    one, two = tasks.create_task(work(1)), tasks.create_task(work(2))
assert one.result() + two.result() == 3
try:
    async with asyncio.timeout(0.001):
        await asyncio.sleep(60)
    raise AssertionError("timeout")
except TimeoutError:
    pass
assert tomllib.loads("[a]\nb = [1, 2.5]\nwhen = 2026-01-02") == {"a": {"b": [1, 2.5], "when": datetime.date(2026, 1, 2)}}


class Colour(enum.StrEnum):
    RED = enum.auto()


assert Colour.RED == "red"


class Chain:
    def step(self) -> typing.Self:
        return self


def variadic[*Ts](*args: *Ts) -> tuple[*Ts]:
    return args


assert re.match(r"a++b", "aaab") and datetime.UTC and datetime.datetime.fromisoformat("20260102T030405Z")
assert variadic(1, "a") == (1, "a")
indices = (1, 2)
assert {(0, 1, 2): "x"}[0, *indices] == "x"
with asyncio.Runner() as runner:
    assert runner.run(work(5)) == 5
return "ok", Chain().step() is not None
