"""A small MCP server over its standard input and output, of revisions 2025-11-25 and 2026-07-28."""

import json
import sys

INFO = {"name": "greeter", "version": "1.0.0"}
SCHEMA = {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "number"}}}
TOOLS = [
    {"name": "add", "description": "Adds two numbers", "inputSchema": SCHEMA},
    {"name": "greet", "description": "Asks who is there, and greets", "inputSchema": {"type": "object"}},
]
QUESTION = {
    "mode": "form",
    "message": "Who is there?",
    "requestedSchema": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
}


def send(**message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def text(words):
    return {"content": [{"type": "text", "text": words}]}


def greeting(answer):
    return text(f"Hello, {answer['content']['name']}." if answer["action"] == "accept" else "Hello.")


def ask():
    """Asks as revision 2025-11-25 does: with a request of the server's, before it answers the call."""
    send(id="who", method="elicitation/create", params=QUESTION)
    for line in sys.stdin:
        message = json.loads(line)
        if message.get("id") == "who":
            return message["result"]
    sys.exit()


def call_tool(params, newest):
    if params["name"] == "add":
        return text(str(params["arguments"]["a"] + params["arguments"]["b"]))
    if not newest:
        return greeting(ask())
    answers = params.get("inputResponses")
    if answers and params.get("requestState") == "asked":
        return greeting(answers["who"])
    who = {"method": "elicitation/create", "params": QUESTION}
    return {"resultType": "input_required", "inputRequests": {"who": who}, "requestState": "asked"}


def main():
    newest = False
    fresh = {"ttlMs": 0, "cacheScope": "private"}
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        method, params = message["method"], message.get("params", {})
        if method == "initialize":
            revision = params["protocolVersion"]
            result = {"protocolVersion": revision, "capabilities": {"tools": {}}, "serverInfo": INFO}
        elif method == "server/discover":
            newest = True
            meta = {"io.modelcontextprotocol/serverInfo": INFO}
            result = {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "_meta": meta, **fresh}
        elif method == "tools/list":
            result = {"tools": TOOLS, **(fresh if newest else {})}
        elif method == "tools/call":
            result = call_tool(params, newest)
        else:
            send(id=message["id"], error={"code": -32601, "message": "Method not found"})
            continue
        if newest:
            result = {"resultType": "complete", **result}
        send(id=message["id"], result=result)


if __name__ == "__main__":
    main()
