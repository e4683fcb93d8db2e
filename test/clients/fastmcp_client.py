"""FastMCP's client at work, in the newest revision that the server has: see work.mjs.

python test/clients/fastmcp_client.py WORK
"""

import json
import sys
from collections.abc import Awaitable
from typing import Any

import anyio
from fastmcp import Client
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from mcp import MCPError

given = json.loads(sys.argv[1])


def plain(value: Any) -> Any:
    return value.model_dump(mode="json", by_alias=True, exclude_none=True)


async def outcome(call: Awaitable[Any]) -> dict[str, Any]:
    try:
        return {"result": plain(await call)}
    except MCPError as error:
        return {"error": plain(error.error)}


async def main() -> None:
    if "url" in given:
        transport = StreamableHttpTransport(given["url"])
    else:
        transport = StdioTransport(given["command"], given.get("args", []))
    outcomes: list[dict[str, Any]] = []
    async with Client(transport) as client:
        got = {
            "tools": [plain(tool) for tool in await client.list_tools()],
            "prompts": [plain(prompt) for prompt in await client.list_prompts()],
            "resources": [plain(resource) for resource in await client.list_resources()],
            "templates": [plain(template) for template in await client.list_resource_templates()],
            "outcomes": outcomes,
        }
        for call in given["calls"]:
            told: list[Any] = []

            async def progress(done: float, total: float | None, message: str | None, told: list[Any] = told) -> None:
                told.append([done, total, message])

            came = await outcome(
                client.call_tool_mcp(
                    call["name"],
                    call.get("arguments", {}),
                    progress_handler=progress if "progress" in call else None,
                )
            )
            outcomes.append({**came, "progress": told} if "progress" in call else came)
        for prompt in given["prompts"]:
            outcomes.append(await outcome(client.get_prompt_mcp(prompt["name"], prompt.get("arguments"))))
        for uri in given["reads"]:
            outcomes.append(await outcome(client.read_resource_mcp(uri)))
    print(json.dumps(got))


anyio.run(main)
