"""A script at a time in CPython, as lines of JSON: a script comes in, calls of the program's functions go
out, their answers come in, and the value goes out. What a script does not need is not imported."""

import json
import sys

import script


def write(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def value_of(answer):
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer["value"]


async def wait(name, arguments):
    write({"call": 1, "name": name, "arguments": arguments})
    return value_of(json.loads(sys.stdin.buffer.readline()))


async def in_loop(code):
    import asyncio
    import os

    loop, waiting, last, rest = asyncio.get_running_loop(), {}, 0, b""

    def readable():
        nonlocal rest
        *lines, rest = (rest + os.read(0, 1 << 16)).split(b"\n")
        for line in lines:
            answer = json.loads(line)
            waiting.pop(answer["answer"]).set_result(answer)

    async def call(name, arguments):
        nonlocal last
        last += 1
        future = waiting[last] = loop.create_future()
        write({"call": last, "name": name, "arguments": arguments})
        return value_of(await future)

    loop.add_reader(0, readable)
    try:
        return await script.run_in_loop(code, call)
    finally:
        loop.remove_reader(0)


def run(source):
    code = script.prepare(source)
    if not script.needs_loop(code):
        return script.run(code, wait)
    import asyncio

    return asyncio.run(in_loop(code))


write({"ready": True})
while line := sys.stdin.buffer.readline():
    try:
        value, seconds = run(json.loads(line)["source"])
        write({"value": value, "computing": seconds * 1000})
    except Exception as error:
        write({"error": repr(error)})
