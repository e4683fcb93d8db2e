"""What a script has in its hands. A script has these names without an import; a package imports them from here."""

from caisson.tool_error import ToolError

__all__ = ["ToolError", "args", "call_tool", "console", "get_tool", "input", "search_tools", "sleep", "tools"]
