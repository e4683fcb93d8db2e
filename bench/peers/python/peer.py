"""The peer in Python: FastMCP's client. See ../../internal/wire for what it reads and writes."""

import asyncio
import json
import sys
import time

import fast

LINE = "The tool was done after 0.25 s, and wrote /srv/data/report.txt\n"


def task(work: dict):
    if work["do"] == "list":

        async def listing(session):
            tools = await fast.list_tools(session)
            if len(tools) != work["tools"]:
                raise ValueError(f"{len(tools)} tools were listed, not {work['tools']}")

        return listing
    size, times = work["size"], work["times"]
    message = (LINE * (size // len(LINE) + 1))[:size]

    async def echoing(session):
        text = await fast.echo(session, message, times)
        if len(text) != size * times or text[:size] != message:
            raise ValueError(f"the echo has {len(text)} characters, and is not the message {times} times")

    return echoing


async def run(sessions: list, work: dict) -> dict:
    do, now = task(work), time.perf_counter
    samples, count, began = [], 0, now()

    def more() -> bool:
        nonlocal count
        count += 1
        if work["most"] and count > work["most"]:
            return False
        return count <= work["least"] or now() - began < work["seconds"]

    async def worker(session):
        while more():
            t = now()
            await do(session)
            samples.append((now() - t) * 1e6)

    await asyncio.gather(*(worker(s) for s in sessions[: work["sessions"]] for _ in range(work["in_flight"])))
    return {"samples": samples, "elapsed": (now() - began) * 1e6}


async def answer(sessions: list, request: dict) -> dict:
    if request["op"] == "run":
        return await run(sessions, request["work"])
    if request["op"] == "close":
        for session in sessions:
            await fast.close(session)
        sessions.clear()
        return {}
    samples = []
    for _ in range(request["count"]):
        t = time.perf_counter()
        sessions.append(await fast.connect(request["server"]))
        samples.append((time.perf_counter() - t) * 1e6)
    return {"samples": samples, "revision": sessions[-1].protocol_version}


async def main():
    requests = asyncio.StreamReader(limit=1 << 24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(requests), sys.stdin)
    sessions = []

    def reply(value: dict):
        print(json.dumps(value), flush=True)

    reply({"ready": True})
    while line := await requests.readline():
        try:
            reply(await answer(sessions, json.loads(line)))
        except Exception as error:
            reply({"error": repr(error)})
    await answer(sessions, {"op": "close"})


asyncio.run(main())
