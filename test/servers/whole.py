"""The whole server on FastMCP: see whole.mjs, and newWholeServer of host-go/caisson.

    python test/servers/whole.py stdio|http|sse
"""

import socket
import sys
from typing import Any

import anyio
import mcp_types as types
import uvicorn
from fastmcp import Context, FastMCP
from fastmcp.tools import ToolResult

DOC = "test://doc"
STATE = "as it was"

SAMPLING = types.CreateMessageRequestParams(
    messages=[types.SamplingMessage(role="user", content=types.TextContent(text="hi"))],
    max_tokens=7,
)
FORM = types.ElicitRequestFormParams(
    message="who?",
    requested_schema={
        "type": "object",
        "properties": {"name": {"type": "string"}, "age": {"type": "integer", "default": 42}},
    },
)
URL = types.ElicitRequestURLParams(message="go there", url="https://example.test/x", elicitation_id="e1")

QUESTIONS: dict[str, types.InputRequest] = {
    "sampling": types.CreateMessageRequest(params=SAMPLING),
    "elicitation": types.ElicitRequest(params=FORM),
    "url": types.ElicitRequest(params=URL),
    "roots": types.ListRootsRequest(),
}

server = FastMCP("whole", version="1", list_page_size=4)


@server.tool(output_schema={"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]})
def echo(text: str) -> dict[str, str]:
    return {"text": text}


async def asked(ctx: Context, what: str) -> types.Result:
    """The answer of a client of the revisions before 2026-07-28."""
    call = ctx.request_id
    match what:
        case "sampling":
            return await ctx.session.create_message(
                SAMPLING.messages, max_tokens=SAMPLING.max_tokens, related_request_id=call
            )
        case "elicitation":
            return await ctx.session.elicit_form(FORM.message, FORM.requested_schema, related_request_id=call)
        case "url":
            return await ctx.session.elicit_url(URL.message, URL.url, URL.elicitation_id, related_request_id=call)
        case _:
            return await ctx.session.list_roots()


@server.tool(output_schema=None)
async def ask(text: str, ctx: Context) -> Any:
    if ctx.request_context.protocol_version < "2026-07-28":
        answer = await asked(ctx, text)
    elif not ctx.input_responses:
        return types.InputRequiredResult(input_requests={"q": QUESTIONS[text]}, request_state=STATE)
    elif ctx.request_state != STATE:
        raise ValueError(f"the state is {ctx.request_state}")
    else:
        answer = ctx.input_responses["q"]
    return ToolResult(content=answer.model_dump_json(by_alias=True, exclude_none=True))


@server.tool(output_schema=None)
async def progress(ctx: Context) -> str:
    for step in range(1, 4):
        await ctx.report_progress(step, 3, f"step {step}")
    return "done"


@server.tool(output_schema=None)
async def log(text: str, ctx: Context) -> str:
    await ctx.session.send_log_message("info", text, "whole", related_request_id=ctx.request_id)
    return "done"


@server.tool(output_schema=None)
async def grow(ctx: Context) -> str:
    server.tool(lambda: "grown", name="grown")
    await ctx.session.send_tool_list_changed()
    return "done"


@server.tool(output_schema=None)
async def touch(ctx: Context) -> str:
    await ctx.session.send_resource_updated(DOC)
    return "done"


@server.tool(output_schema=None)
async def wait() -> str:
    await anyio.sleep_forever()
    return "done"


@server.resource(DOC, name="doc", mime_type="text/plain")
def doc() -> str:
    return f"it is {DOC}"


@server.resource(DOC + "/{name}", name="docs", mime_type="text/plain")
def docs(name: str) -> str:
    return f"it is {DOC}/{name}"


@server.prompt
def greet(name: str) -> str:
    return f"hello {name}"


@server.completion
def complete(_ref: Any, argument: types.CompletionArgument, _context: Any) -> types.Completion:
    values = [value for value in ["ada", "adele", "bob"] if value.startswith(argument.value)]
    return types.Completion(values=values, total=len(values))


def listen(transport: str, path: str) -> None:
    """Serves HTTP on a free port of the loopback, and prints the URL as the first line."""
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}{path}", flush=True)
    app = server.http_app(path, transport=transport)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


match sys.argv[1:]:
    case ["stdio"]:
        server.run("stdio", show_banner=False)
    case ["http"]:
        listen("http", "/mcp")
    case ["sse"]:
        listen("sse", "/sse")
    case _:
        sys.exit(f"usage: {sys.argv[0]} stdio|http|sse")
