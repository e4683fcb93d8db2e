"""What a call of a tool raises."""


class ToolError(Exception):
    """A tool that has failed, or that could not be called."""

    def __init__(self, message, server, tool, code=None, result=None):
        super().__init__(message)
        self.server = server
        self.tool = tool
        # Why it could not be called; None where the tool itself has failed.
        self.code = code
        # What the tool has answered.
        self.content = (result or {}).get("content")
        self.structured_content = (result or {}).get("structuredContent")

    def __reduce__(self):
        """For copies: an exception is made of its message alone otherwise."""
        return type(self), (*self.args, self.server, self.tool, self.code), self.__dict__


ToolError.__module__ = "builtins"  # A script has it without an import, and tracebacks show it so.
