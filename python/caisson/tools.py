"""The tools as a script sees them: `tools.SERVER.TOOL(...)`, and the functions about them."""

from weakref import WeakSet

from caisson import host
from caisson.loop import loop
from caisson.tool_error import ToolError
from caisson.values import NoForm, from_json, to_json

# So many tools a search finds, unless the script wants another number, and at most. So much of a text it looks at.
FOUND, MOST_FOUND, LOOKED_AT = 10, 100, 4000


class Tools:
    """The tools of one script."""

    def __init__(self):
        self._listing = "[]"
        self._listed = None
        self._waiting = {}
        self._failed = WeakSet()
        self._last = 0
        loop.on_answer = self._on_answer

    def give(self, listing):
        self._listing, self._listed = listing, None

    @property
    def listed(self):
        if self._listed is None:
            self._listed = from_json(self._listing)
        return self._listed

    def names(self, server=None):
        """The servers, or the tools of one."""
        if server is None:
            return list(dict.fromkeys(one["server"] for one in self.listed))
        return [one["tool"]["name"] for one in self.listed if one["server"] == server]

    def begin(self, server, tool, arguments):
        """Calls a tool. The future has the outcome."""
        try:
            text = to_json(arguments)
        except NoForm as error:
            raise ValueError(f"the arguments of the tool {server}.{tool} have no form in JSON: {error}") from None
        if text[0] != "{":  # A class can say of itself that it is a dict.
            raise no_dict(server, tool)
        while self._last == 0 or self._last in self._waiting:
            self._last = self._last % 0xFFFF_FFFF + 1
        future = loop.create_future()
        self._waiting[self._last] = server, tool, future
        host.call_tool(self._last, host.text_of(server), host.text_of(tool), text)
        return future

    def call(self, server, tool, arguments=None, /):
        """Calls a tool by its names, and waits for its answer."""
        if not isinstance(server, str) or not isinstance(tool, str):
            raise TypeError("call_tool(server, tool, arguments): a name is not a str")
        future = self.begin(server, tool, object_of(server, tool, arguments, {}))
        loop.block_until(future.done)
        return future.result()

    def _on_answer(self, answer):
        server, tool, future = self._waiting.pop(answer.call, (None, None, None))
        if future is None or future.done():
            return
        try:
            future.set_result(self._result(answer.outcome, server, tool))
        except ToolError as error:
            future.set_exception(error.with_traceback(None))
            self._failed.add(future)

    def _result(self, outcome, server, tool):
        """What a script gets of an answer."""
        if isinstance(outcome, host.Err):
            raise ToolError(outcome.value.message, server, tool, outcome.value.code)
        try:
            result = from_json(outcome.value)
        except (ValueError, RecursionError) as error:
            message = f"the answer of the tool {server}.{tool} has no form in Python: {error}"
            raise ToolError(message, server, tool, "protocol") from None
        if not isinstance(result, dict):
            raise ToolError(f"the answer of the tool {server}.{tool} is no object", server, tool, "protocol")
        if result.get("isError") is True:
            raise ToolError(failure_text(result, server, tool), server, tool, None, result)
        return self._unwrapped(result, server, tool)

    def tell_unheard(self):
        """Writes into the log which calls have failed without anybody to hear it. Of those that nothing refers to any
        more asyncio has told."""
        for future in list(self._failed):
            if future._log_traceback:
                loop.call_exception_handler({"message": "nobody awaited a call", "exception": future.exception()})
        self._failed.clear()

    def _unwrapped(self, result, server, tool):
        """What a script gets of a result: its structured content, or the value in its text, or its content."""
        structured = result.get("structuredContent")
        if structured is not None:
            return structured
        content = result.get("content")
        if not isinstance(content, list):
            return None
        only = content[0] if len(content) == 1 else None
        if not isinstance(only, dict) or only.get("type") != "text" or not isinstance(only.get("text"), str):
            return content
        if any(
            one["server"] == server and one["tool"]["name"] == tool and "outputSchema" in one["tool"]
            for one in self.listed
        ):
            return content
        try:
            return from_json(only["text"])
        except (ValueError, RecursionError):
            return only["text"]

    def search(self, text, limit=FOUND, /):
        """The tools that have these words, the best first, as the core ranks them."""
        if not isinstance(text, str):
            raise TypeError(f"search_tools(text, limit): the text is a {type(text).__name__}")
        try:
            # No search looks at more of a text.
            found = from_json(host.search(host.text_of(text[:LOOKED_AT]), max(1, min(int(limit), MOST_FOUND))))
        except host.Err as error:
            raise RuntimeError(error.value) from None
        listed = {}
        for one in self.listed:
            listed.setdefault((one["server"], one["tool"]["name"]), one["tool"])
        return [
            {"server": one["server"], "name": one["tool"], "description": described(listed[one["server"], one["tool"]])}
            for one in found
        ]

    def get(self, name, tool=None, /):
        """The tool of a name: `SERVER.TOOL`, or both apart, or the tool's alone where one server has it."""
        found = [
            one
            for one in self.listed
            if (one["server"] == name and one["tool"]["name"] == tool)
            or (tool is None and name in (one["tool"]["name"], f"{one['server']}.{one['tool']['name']}"))
        ]
        return {"server": found[0]["server"], **found[0]["tool"]} if len(found) == 1 else None


class Namespace:
    """An object that has an attribute and an item for every name: what is not listed fails when it is called, with
    the host's reason. It shows those that are listed."""

    __slots__ = ("_made", "_names", "_shown")

    def __init__(self, shown, names, made):
        self._shown, self._names, self._made = shown, names, made

    def __getattr__(self, name):
        # Python itself asks for names with two underscores, and copying, printing and awaiting depend on them.
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return self._made(name)

    def __getitem__(self, name):
        if not isinstance(name, str):
            raise TypeError(f"{self._shown}[...]: a name is a str, and not {type(name).__name__}")
        return self._made(name)

    def __contains__(self, name):
        return name in self._names()

    def __iter__(self):
        return iter(self._names())

    def __len__(self):
        return len(self._names())

    def __dir__(self):
        return self._names()

    def __repr__(self):
        return f"<{self._shown}: {', '.join(self._names()) or 'none'}>"


class Tool:
    """A tool of a server: `await tools.server.tool(...)`, with a dict or with arguments by name."""

    __slots__ = ("_tools", "name", "server")

    def __init__(self, tools, server, name):
        self._tools, self.server, self.name = tools, server, name

    def __call__(self, arguments=None, /, **named):
        return self._tools.begin(self.server, self.name, object_of(self.server, self.name, arguments, named))

    def __repr__(self):
        return f"<tool {self.server}.{self.name}>"


def namespace(tools):
    """`tools`."""
    return Namespace(
        "tools",
        tools.names,
        lambda server: Namespace(
            f"tools.{server}", lambda: tools.names(server), lambda tool: Tool(tools, server, tool)
        ),
    )


def object_of(server, tool, arguments, named):
    """The arguments of a call."""
    if arguments is None:
        return named
    if not isinstance(arguments, dict):
        raise no_dict(server, tool)
    return {**arguments, **named} if named else arguments


def no_dict(server, tool):
    return TypeError(f"the arguments of the tool {server}.{tool} are not a dict")


def described(tool):
    """The description of a tool; empty where the server has none."""
    description = tool.get("description")
    return description if isinstance(description, str) else ""


def failure_text(result, server, tool):
    """What a tool says of its failure."""
    content = result.get("content")
    parts = content if isinstance(content, list) else []
    texts = [part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]
    return "\n".join(texts) or f"the tool {server}.{tool} failed"
