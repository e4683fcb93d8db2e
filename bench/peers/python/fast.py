"""Sessions of FastMCP's client, for the peer in Python and behind each bridge to it."""

import os

from fastmcp import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport

_nowhere = open(os.devnull, "w")  # what servers write to their standard error


async def connect(server: dict) -> Client:
    if server.get("command"):
        transport = StdioTransport(
            server["command"], server.get("args") or [], keep_alive=False, log_file=_nowhere
        )
    else:
        transport = StreamableHttpTransport(server["url"])
    # Without the cache, so that each tools/list asks the server.
    client = Client(transport, cache=False)
    await client.__aenter__()
    return client


async def close(client: Client) -> None:
    await client.__aexit__(None, None, None)


async def echo(client: Client, message: str, times: int) -> str:
    result = await client.call_tool("echo", {"message": message, "times": times})
    return result.content[0].text


async def list_tools(client: Client) -> list:
    return await client.list_tools()


class Bridge:
    """What is behind each bridge: sessions by number, and tools as JSON-like values."""

    def __init__(self):
        self.sessions = []

    async def call(self, method: str, params: dict):
        if method == "connect":
            self.sessions.append(await connect(params["server"]))
            return {"session": len(self.sessions) - 1, "revision": self.sessions[-1].protocol_version}
        session = self.sessions[params["session"]]
        if method == "call":
            result = await session.call_tool(params["name"], params["arguments"])
            return {"text": result.content[0].text}
        if method == "list":
            tools = await session.list_tools()
            return [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]
        if method == "close":
            return await close(session)
        raise ValueError(f"no method {method}")
