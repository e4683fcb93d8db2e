"""FastMCP inside of a Go process: an event loop on a thread of its own, called from any other."""

import asyncio
import json
import threading

import fast

bridge, loop = fast.Bridge(), asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, daemon=True).start()


def call(method: str, params: str) -> str:
    done = asyncio.run_coroutine_threadsafe(bridge.call(method, json.loads(params)), loop)
    return json.dumps(done.result())
