"""A server on FastMCP with the tools of a file: see ../serve_servers.go.

    python fastmcp_server.py TOOLS.json
"""

import json
import sys

from fastmcp import FastMCP
from fastmcp.tools import Tool, ToolResult


class Echo(Tool):
    async def run(self, arguments: dict) -> ToolResult:
        return ToolResult(content=arguments["message"] * arguments["times"])


server = FastMCP("bench-fastmcp", version="1")
with open(sys.argv[1]) as file:
    for tool in json.load(file):
        server.add_tool(
            Echo(
                name=tool["name"],
                title=tool.get("title"),
                description=tool["description"],
                parameters=tool["inputSchema"],
                output_schema=tool.get("outputSchema"),
                annotations=tool.get("annotations"),
            )
        )
server.run(show_banner=False)
