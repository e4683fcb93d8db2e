"""What ended a script, for people and programs: the kind, the message, the place, and the script's own stack."""

from traceback import TracebackException

from caisson import host
from caisson.host import ScriptFailure, ScriptFailureKind
from caisson.tools import ToolError

# In characters. A script decides how long its messages are.
LONGEST = 8192
LONGEST_STACK = 32768
# Packages that the host has given are the script's, too.
PACKAGES = "/packages/"


class Failure(Exception):
    """What the runner itself finds wrong."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


def of(error, name, compiling=False):
    """The failure that an exception is. `name` is the source's; `compiling` says that no line of it has run."""
    try:
        return _of(error, name, compiling)
    except BaseException as other:  # The error is of a class of the script's, or there is no memory to describe it.
        message = "MemoryError" if is_a(error, MemoryError) else f"{class_name(error)}: it cannot be shown ({class_name(other)})"
        return ScriptFailure(ScriptFailureKind.RUNTIME, host.text_of(cut(message, LONGEST)), None, None, "")


def is_a(error, kind):
    """Whether an exception is of a class. `isinstance` also asks the exception's `__class__`, which may be code of the script's."""
    return issubclass(type(error), kind)


NAME = type.__dict__["__name__"]


def class_name(error):
    """The name of an exception's class, whatever its metaclass is."""
    return NAME.__get__(type(error))


def is_exit(error):
    """Whether an exception ends a script well, as `sys.exit()` and `sys.exit(0)` do."""
    if not is_a(error, SystemExit):
        return False
    code = SystemExit.code.__get__(error)
    return code is None or type(code) in (int, bool) and not code


def _of(error, name, compiling):
    if is_a(error, Failure):
        return made(error.kind, str(error), None, None, "")
    # Stacks of recursion have thousands of frames.
    described = TracebackException(
        type(error), error, error.__traceback__, compact=True, limit=None, max_group_width=10, max_group_depth=5
    )
    if compiling and is_a(error, SyntaxError):
        return made(ScriptFailureKind.SYNTAX, f"{type(error).__name__}: {error.msg}", error.lineno, error.offset, "")
    message = "".join(described.format_exception_only()).strip()
    if compiling:
        return made(ScriptFailureKind.SYNTAX, f"the source is too much for the compiler: {message}", None, None, "")
    own(described, name)
    line, column = place(described, name)
    stack = "".join(described.format())
    kind = ScriptFailureKind.TOOL if is_tools(error) else ScriptFailureKind.RUNTIME
    return made(kind, message, line, column, stack)


def made(kind, message, line, column, stack):
    return ScriptFailure(
        kind,
        host.text_of(cut(message, LONGEST)),
        line if line is not None and line > 0 else None,
        column if column is not None and column > 0 else None,
        host.text_of(cut(stack, LONGEST_STACK)),
    )


def cut(text, longest):
    """The text without its middle where it is too long: what it begins and ends with says most."""
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters ...]\n{text[-half:]}"


def own(described, name):
    """Leaves the lines of the script, and of its packages, in a traceback and in those of its causes."""
    seen = set()
    todo = [described]
    while todo:
        one = todo.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        one.stack[:] = [frame for frame in one.stack if is_own(frame.filename, name)]
        todo += [one.__cause__, one.__context__, *(one.exceptions or ())]


def is_own(filename, name):
    return filename == name or filename.startswith(PACKAGES)


def place(described, name):
    """Where in the source it happened."""
    for frame in reversed(described.stack):
        if frame.filename == name and frame.lineno is not None:
            if frame.colno is None:
                return frame.lineno, None
            return frame.lineno, character(frame)
    return None, None


def character(frame):
    """The column in characters, from 1. Python counts bytes."""
    lines = frame._original_lines if hasattr(frame, "_original_lines") else frame.line or ""
    first = lines.split("\n", 1)[0]
    return len(first.encode("utf-8", "replace")[: frame.colno].decode("utf-8", "replace")) + 1


def is_tools(error):
    """Whether a tool has failed, or several in a group and nothing else."""
    if is_a(error, BaseExceptionGroup):
        return all(map(is_tools, error.exceptions))
    return is_a(error, ToolError)
