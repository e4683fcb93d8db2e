"""A program that calls the daemon, in Python: python client.py 127.0.0.1:3285 TOKEN SERVER"""

import json
import sys

import grpc
from grpc_status import rpc_status

from caisson.v1 import error_pb2, mcp_pb2, mcp_pb2_grpc

address, token, server = sys.argv[1:]

mcp = mcp_pb2_grpc.McpServiceStub(grpc.insecure_channel(address))
who = [("authorization", f"Bearer {token}")]

session = mcp.Connect(mcp_pb2.ConnectRequest(server=server), metadata=who).session
target = mcp_pb2.Target(session=session.id)

# The protocol's values are JSON, in bytes.
page = json.loads(mcp.ListTools(mcp_pb2.ListToolsRequest(target=target), metadata=who).result)
print("tools", *(tool["name"] for tool in page["tools"]))

request = mcp_pb2.CallToolRequest(target=target, name="echo", arguments=json.dumps({"text": "hällo"}).encode())
print("result", json.loads(mcp.CallTool(request, metadata=who).result)["content"][0]["text"])

stream = mcp.CallToolStream(mcp_pb2.CallToolStreamRequest(target=target, name="progress"), metadata=who)
for message in stream:
    if message.WhichOneof("of") == "progress":
        print("progress", json.loads(message.progress)["progress"])
    if message.WhichOneof("of") == "result":
        print("result", json.loads(message.result)["content"][0]["text"])

try:
    mcp.CallTool(mcp_pb2.CallToolRequest(target=target, name="none"), metadata=who)
except grpc.RpcError as failure:
    for detail in rpc_status.from_call(failure).details:
        error = error_pb2.Error()
        if detail.Unpack(error):
            print("error", failure.code().name, error_pb2.Code.Name(error.code), error.server, error.step)

mcp.Disconnect(mcp_pb2.DisconnectRequest(session=session.id), metadata=who)
