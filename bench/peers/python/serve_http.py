"""FastMCP behind FastAPI and uvicorn: POST /METHOD with JSON. Prints its port; ends with its input."""

import asyncio
import socket
import sys

import fast
import uvicorn
from fastapi import Body, FastAPI

app, bridge = FastAPI(), fast.Bridge()


@app.post("/{method}")
async def call(method: str, params: dict = Body()):
    return {"result": await bridge.call(method, params)}


async def main():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(128)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.002)
    print(listener.getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.should_exit = True
    await serving


try:
    import uvloop
except ImportError:  # It has no build for Windows.
    asyncio.run(main())
else:
    uvloop.run(main())
