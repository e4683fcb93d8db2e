"""FastMCP behind gRPC: one method, JSON in protobuf's StringValue. Prints its port; ends with its input."""

import asyncio
import json
import sys

import fast
import grpc
from google.protobuf.wrappers_pb2 import StringValue

LIMIT = [("grpc.max_receive_message_length", 1 << 26), ("grpc.max_send_message_length", 1 << 26)]


async def main():
    bridge = fast.Bridge()

    def handler(method: str):
        async def handle(request: StringValue, _context):
            return StringValue(value=json.dumps(await bridge.call(method, json.loads(request.value))))

        return grpc.unary_unary_rpc_method_handler(handle, StringValue.FromString, StringValue.SerializeToString)

    server = grpc.aio.server(options=LIMIT)
    methods = {method: handler(method) for method in ("connect", "call", "list", "close")}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Bridge", methods),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop(0)


asyncio.run(main())
