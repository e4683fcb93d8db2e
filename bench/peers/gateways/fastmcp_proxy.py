"""FastMCP's proxy in front of the servers of a configuration file.

    python fastmcp_proxy.py CONFIG.json stdio|http
"""

import json
import sys

from fastmcp.server import create_proxy

with open(sys.argv[1]) as file:
    proxy = create_proxy(json.load(file), name="bench-proxy")
if sys.argv[2] == "http":
    proxy.run(transport="http", host="127.0.0.1", port=0, show_banner=False)
else:
    proxy.run(show_banner=False)
