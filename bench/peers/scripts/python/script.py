"""Runs a script in CPython: its value is that of its last expression, and it may await at the top."""

import _ast
import time


class Functions:
    """The program's own functions, for scripts."""

    def __init__(self, call):
        self._call = call

    async def add(self, **arguments):
        return await self._call("add", arguments)

    async def meet(self):
        return await self._call("meet", {})


class Tools:
    def __init__(self, call):
        self.go = Functions(call)


def prepare(source):
    tree = compile(source, "script", "exec", _ast.PyCF_ONLY_AST | _ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    last = tree.body[-1]
    place = {"lineno": last.lineno, "col_offset": last.col_offset}
    tree.body[-1] = _ast.Assign(targets=[_ast.Name("__value__", _ast.Store(), **place)], value=last.value, **place)
    return compile(tree, "script", "exec", _ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def needs_loop(code):
    return "asyncio" in code.co_names


def run(code, call):
    """Runs a script without an event loop: its calls are coroutines that wait for nothing."""
    scope = {"tools": Tools(call)}
    began = time.perf_counter()
    coroutine = eval(code, scope)
    if coroutine is not None:
        try:
            coroutine.send(None)
        except StopIteration:
            pass
        else:
            raise RuntimeError("the script waits for something, and there is no event loop")
    return scope["__value__"], time.perf_counter() - began


async def run_in_loop(code, call):
    scope = {"tools": Tools(call)}
    began = time.perf_counter()
    coroutine = eval(code, scope)
    if coroutine is not None:
        await coroutine
    return scope["__value__"], time.perf_counter() - began
