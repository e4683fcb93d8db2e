"""Speaks with server.py in two revisions, through the core, and prints what came.

    python main.py CORE.wasm
"""

import json
import pathlib
import sys

from core import Variant, record
from host import Host

SERVER = [sys.executable, str(pathlib.Path(__file__).with_name("server.py"))]
SESSION = 1


def answer(method, params):
    print(f"  the server asks: {method}: {params['message']}")
    return {"action": "accept", "content": {"name": "Ada"}}


def config(revision, endpoint=Variant("stdio")):
    return record(
        endpoint=endpoint,
        client_info=record(name="embedding", version="1.0.0", title=None),
        capabilities=json.dumps({"elicitation": {"form": {}}}),
        protocol_versions=[revision],
        input_rounds=10,
        retry_budget=0,
        restarts=0,
        cache_results=True,
        connect_timeout=30_000,
        authorizes=False,
    )


def converse(path, revision):
    host = Host(path, SERVER, answer)
    opened = host.call("connect", SESSION, config(revision))
    print(f"{opened['protocolVersion']} with {opened['serverInfo']['name']} over {opened['transport']}")
    tools = host.call("list-tools", SESSION, "{}")["tools"]
    print("  tools:", ", ".join(tool["name"] for tool in tools))
    for name, arguments in [("add", {"a": 2, "b": 3}), ("greet", {})]:
        result = host.call("call-tool", SESSION, json.dumps({"name": name, "arguments": arguments}))
        print(f"  {name}:", result["content"][0]["text"])
    host.close(SESSION)
    print("  closed")


if __name__ == "__main__":
    for revision in ["2025-11-25", "2026-07-28"]:
        converse(sys.argv[1], revision)
