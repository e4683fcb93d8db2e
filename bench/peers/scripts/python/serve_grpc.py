"""CPython behind gRPC: a stream for each script, with JSON in protobuf's StringValue. Prints its port; ends
with its input."""

import asyncio
import json
import sys

import grpc
import script
from google.protobuf.wrappers_pb2 import StringValue


async def run(_requests, context):
    waiting, last, writing = {}, 0, asyncio.Lock()

    async def write(message):
        async with writing:
            await context.write(StringValue(value=json.dumps(message)))

    async def call(name, arguments):
        nonlocal last
        last += 1
        number, future = last, asyncio.get_running_loop().create_future()
        waiting[number] = future
        await write({"call": number, "name": name, "arguments": arguments})
        answer = await future
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["value"]

    async def listen():
        while (message := await context.read()) is not grpc.aio.EOF:
            answer = json.loads(message.value)
            waiting.pop(answer["answer"]).set_result(answer)

    source = json.loads((await context.read()).value)["source"]
    listening = asyncio.create_task(listen())
    try:
        value, seconds = await script.run_in_loop(script.prepare(source), call)
        await write({"value": value, "computing": seconds * 1000})
    except Exception as error:
        await write({"error": repr(error)})
    finally:
        listening.cancel()


async def main():
    server = grpc.aio.server()
    handler = grpc.stream_stream_rpc_method_handler(run, StringValue.FromString, StringValue.SerializeToString)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Scripts", {"run": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop(0)


asyncio.run(main())
