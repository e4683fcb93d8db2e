"""A script at a time in Monty, as worker.py has it: each in a session of its own."""

import asyncio
import json
import sys
import time

from pydantic_monty import AsyncMonty, ClassInstance


def write(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


class Functions:
    def __init__(self):
        self.waiting, self.last = {}, 0

    async def add(self, **arguments):
        self.last += 1
        future = self.waiting[self.last] = asyncio.get_running_loop().create_future()
        write({"call": self.last, "name": "add", "arguments": arguments})
        answer = await future
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["value"]


class Tools:
    def __init__(self, functions):
        self.go = ClassInstance(functions, allowed_methods={"add"})


async def run(pool, functions, source):
    try:
        async with pool.checkout() as session:
            began = time.perf_counter()
            value = await session.feed_run(source, inputs={"tools": ClassInstance(Tools(functions), eager_attrs="all")})
            write({"value": value, "computing": (time.perf_counter() - began) * 1000})
    except Exception as error:
        write({"error": repr(error)})


async def main():
    lines, functions, running = asyncio.StreamReader(), Functions(), set()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async with AsyncMonty() as pool:
        write({"ready": True})
        while line := await lines.readline():
            message = json.loads(line)
            if "answer" in message:
                functions.waiting.pop(message["answer"]).set_result(message)
                continue
            task = asyncio.create_task(run(pool, functions, message["source"]))
            running.add(task)
            task.add_done_callback(running.discard)


asyncio.run(main())
