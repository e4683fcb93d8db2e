"""A server on FastMCP with its own OAuth provider.

    python test/servers/auth.py
"""

import socket
import time

import uvicorn
from fastmcp import FastMCP
from fastmcp.server.auth.auth import ClientRegistrationOptions, RevocationOptions
from fastmcp.server.auth.providers.in_memory import InMemoryOAuthProvider
from fastmcp.server.dependencies import get_access_token
from starlette.requests import Request
from starlette.responses import Response

clock = time.time
ahead = 0.0
time.time = lambda: clock() + ahead

listener = socket.create_server(("127.0.0.1", 0))
origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
provider = InMemoryOAuthProvider(
    base_url=origin,
    client_registration_options=ClientRegistrationOptions(enabled=True, valid_scopes=["mcp"], default_scopes=["mcp"]),
    revocation_options=RevocationOptions(enabled=True),
    required_scopes=["mcp"],
)
server = FastMCP("authorized", version="1", auth=provider)


@server.tool
def whoami() -> str:
    return " ".join(get_access_token().scopes)


@server.custom_route("/test/advance", methods=["POST"])
async def advance(request: Request) -> Response:
    """Moves this process's clock forward by the seconds in the query."""
    global ahead
    ahead += float(request.query_params["seconds"])
    return Response(status_code=204)


app = server.http_app("/mcp")
print(f"{origin}/mcp", flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
