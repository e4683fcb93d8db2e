"""What the host does for the component. Here are the only uses of its imports."""

from wit_world.imports import script_host, timers, tool_search, waiting
from wit_world.imports.script_host import (
    ScriptEvent_Timer,
    ScriptEvent_ToolAnswer,
    ScriptFailure,
    ScriptFailureKind,
    ScriptLogLevel,
)
from componentize_py_types import Err, Ok

DEBUG, INFO, WARN, ERROR = ScriptLogLevel.DEBUG, ScriptLogLevel.INFO, ScriptLogLevel.WARN, ScriptLogLevel.ERROR

call_tool = script_host.call_tool
set_timer = timers.set
clear_timer = timers.clear
wait = waiting.wait
search = tool_search.search


def text_of(text: str) -> str:
    """The text as it can leave: a lone surrogate has no UTF-8. What a class of the script's makes of it does not count."""
    return str.encode(text, "utf-8", "replace").decode("utf-8")


def log(level: ScriptLogLevel, text: str) -> None:
    script_host.log(level, text_of(text))


def settle(call: int, value: str) -> None:
    script_host.settle(call, Ok(value))


def fail(call: int, failure: ScriptFailure) -> None:
    script_host.settle(call, Err(failure))


__all__ = [
    "DEBUG", "ERROR", "Err", "INFO", "Ok", "ScriptEvent_Timer", "ScriptEvent_ToolAnswer", "ScriptFailure",
    "ScriptFailureKind", "WARN", "call_tool", "clear_timer", "fail", "log", "search", "set_timer", "settle", "text_of", "wait",
]  # fmt: skip
