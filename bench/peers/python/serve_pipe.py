"""FastMCP behind a pipe: requests and answers as JSON lines, many at a time."""

import asyncio
import json
import sys

import fast


async def main():
    requests = asyncio.StreamReader(limit=1 << 26)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(requests), sys.stdin)
    bridge, tasks = fast.Bridge(), set()

    async def handle(line: bytes):
        request = json.loads(line)
        try:
            answer = {"result": await bridge.call(request["method"], request["params"])}
        except Exception as error:
            answer = {"error": repr(error)}
        print(json.dumps({"id": request["id"], **answer}), flush=True)

    print("ready", flush=True)
    while line := await requests.readline():
        task = asyncio.create_task(handle(line))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


asyncio.run(main())
