"""Runs a script: from its source to its outcome."""

import asyncio
import atexit
import builtins
import inspect
import os
import random
import sys
import types
from importlib.machinery import PathFinder

import caisson
from caisson import failure, host, loop as loops, output
from caisson.failure import PACKAGES, Failure
from caisson.host import ScriptFailureKind
from caisson.loop import loop
from caisson.source import IMPORT_ALL, Source, import_all_into
from caisson.tools import ToolError, Tools, namespace
from caisson.values import NoForm, from_json, to_json

MODULE = "__main__"


class Runner:
    """The one script of an instance."""

    def __init__(self):
        self._name = ""
        self._module = None
        self._tools = Tools()
        self._call_id = self._task = None  # of the operation that runs
        output.install()
        loops.install()

    def run(self, call, name, text, tools, input, args):
        self._begin(call, self._run(name, text, tools, input, args))

    def load(self, call, name, text, tools):
        self._begin(call, self._load(name, text, tools))

    def call(self, call, function, positional, named):
        self._begin(call, self._call(function, positional, named))

    def deliver(self, events):
        self._turn(events)

    def _begin(self, call, work):
        self._call_id, self._task = call, loop.create_task(work)
        self._turn([])

    def _turn(self, events):
        """Takes what the host tells, and runs what can run."""
        try:
            loop.take(events)
            loop.turn()
        except BaseException as error:  # The script has broken what the loop uses.
            loop.ended = error
        self._follow()

    def _follow(self):
        """Settles when the operation has ended, or when a task of it has ended everything."""
        task, ended = self._task, loop.ended
        loop.ended = None
        if task is None or not (task.done() or ended):
            return
        self._task = None
        self._settle(self._call_id, task.result if task.done() else lambda: raises(ended))

    def _settle(self, call, result):
        value, failed = "null", None
        try:
            value = to_json(result())
        except NoForm as error:
            failed = failure.of(Failure(ScriptFailureKind.INVALID_ARGUMENTS, f"the result has no form in JSON: {error}"), self._name)
        except Compiling as error:
            failed = failure.of(error.__cause__, self._name, compiling=True)
        except BaseException as error:
            if not failure.is_exit(error):
                failed = failure.of(error, self._name)
        self._finish()
        if failed is None:
            host.settle(call, value)
        else:
            host.fail(call, failed)

    def _finish(self):
        """Does what Python does at its end, as far as somebody sees it."""
        try:
            if self._module is None:  # A module goes on.
                atexit._run_exitfuncs()
            self._tools.tell_unheard()
            output.finish()
        except BaseException as error:  # The script has broken what this uses.
            host.log(host.ERROR, failure.line_of(error, self._name))

    async def _run(self, name, text, tools, input, args):
        source = self._made(name, text, True)
        self._give(tools, given(input, "the input"), args)
        # With a function main it is the runner that calls it, and not the source's own last lines.
        module = self._module_of(source, free(name) if source.defines_main else MODULE)
        value = await self._executed(source, module)
        if not source.defines_main:
            return value
        return await self._called(module.main, args if takes_arguments(module.main) else [], {})

    async def _load(self, name, text, tools):
        source = self._made(name, text, False)
        self._give(tools, None, [])
        module = self._module_of(source, free(name))
        await self._executed(source, module)
        self._module = module
        return list(self._functions())

    async def _call(self, function, positional, named):
        if self._module is None:
            raise Failure(ScriptFailureKind.NOT_FOUND, "no module is loaded")
        functions = self._functions()
        found = functions.get(function)
        if found is None:
            there = f"; it has {', '.join(functions)}" if functions else ""
            raise Failure(ScriptFailureKind.NOT_FOUND, f"the module has no function {function!r}{there}")
        args, kwargs = given(positional or "[]", "an argument"), given(named or "{}", "an argument")
        if not isinstance(args, list):
            raise Failure(ScriptFailureKind.INVALID_ARGUMENTS, "the arguments by position are not a JSON array")
        if not isinstance(kwargs, dict):
            raise Failure(ScriptFailureKind.INVALID_ARGUMENTS, "the arguments by name are not a JSON object")
        return await self._called(found, args, kwargs)

    def _functions(self):
        """The functions of the module's own, by their names."""
        return {
            name: value
            for name, value in vars(self._module).items()
            if not name.startswith("_")
            and is_function(value)
            and getattr(value, "__module__", None) == self._module.__name__
        }

    async def _called(self, function, args, kwargs):
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError):
            signature = None  # Functions in C may have none.
        if signature is not None:
            try:
                signature.bind(*args, **kwargs)
            except TypeError as error:
                shown = f"{getattr(function, '__name__', 'the function')}{signature}"
                raise Failure(ScriptFailureKind.INVALID_ARGUMENTS, f"{shown}: {error}") from None
        value = function(*args, **kwargs)
        return await value if inspect.isawaitable(value) else value

    def _made(self, name, text, runs):
        if self._name:
            raise Failure(ScriptFailureKind.INVALID_ARGUMENTS, "the instance has a script already")
        self._name = loop.source = name
        try:
            return Source(name, text, runs)
        except (SyntaxError, RecursionError, MemoryError, ValueError, OverflowError) as error:
            raise Compiling from error

    def _module_of(self, source, name):
        # As Python has it: what a module is called decides what classes and functions say of where they are from.
        module = types.ModuleType(name, source.doc)
        module.__file__ = source.name
        # A copy: what a script does to it, the library and the runner do not see.
        module.__builtins__ = sys.modules["builtins"] = copied(builtins)
        for given in caisson.__all__:
            setattr(module, given, getattr(caisson, given))
        setattr(module, IMPORT_ALL, import_all_into(vars(module)))
        sys.modules[name] = module
        return module

    async def _executed(self, source, module):
        return await types.FunctionType(source.code, vars(module))()

    def _give(self, tools, input, args):
        """Gives the script what it has, and makes new what the snapshot of the interpreter has from its build."""
        random.seed()
        os.environ.clear()
        sys.argv = [self._name, *args]
        if os.path.isdir(PACKAGES):
            sys.path[:] = [PACKAGES.rstrip("/")]
            sys.path_importer_cache.clear()
        self._tools.give(tools)
        caisson.tools = namespace(self._tools)
        caisson.call_tool = self._tools.call
        caisson.search_tools = self._tools.search
        caisson.get_tool = self._tools.get
        caisson.input = input
        caisson.args = args
        caisson.sleep = asyncio.sleep
        caisson.console = output.Console()


def copied(module):
    copy = types.ModuleType(module.__name__)
    vars(copy).update(vars(module))
    return copy


def free(name):
    """The name of a module for a source. What the library and the packages call their modules is theirs: they are
    imported by these names later, too."""
    name = name.rpartition("/")[2].removesuffix(".py") or "module"
    while name in sys.modules or name in sys.stdlib_module_names or PathFinder.find_spec(name) is not None:
        name += "_"
    return name


def is_function(value):
    """Whether it is a function, or an object that says that it stands for one. Other objects are not asked: some have
    every attribute, and some fail."""
    return type(value) in (types.FunctionType, types.BuiltinFunctionType) or (
        inspect.getattr_static(value, "__wrapped__", None) is not None
    )


def given(text, what):
    """What the host gives to the script."""
    try:
        return from_json(text)
    except (ValueError, RecursionError) as error:
        raise Failure(ScriptFailureKind.INVALID_ARGUMENTS, f"{what} has no form in Python: {error}") from None


def raises(error):
    raise error


class Compiling(Exception):
    """The source does not compile. The cause says why."""


def takes_arguments(function):
    """Whether a main takes the arguments. One without parameters has them in `args` and `sys.argv`."""
    try:
        return bool(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return True
