"""CPython inside of a Go process: `call` is a function of the program's, which takes and gives JSON."""

import json

import script


def runner(call):
    async def wait(name, arguments):
        return json.loads(call(name, json.dumps(arguments)))

    def run(source):
        code = script.prepare(source)
        if script.needs_loop(code):
            import asyncio

            value, seconds = asyncio.run(script.run_in_loop(code, wait))
        else:
            value, seconds = script.run(code, wait)
        return json.dumps({"value": value, "computing": seconds * 1000})

    return run
