"""What ended a script, for people and programs: the kind, the message, the place, and the script's own stack."""

from collections import deque
from traceback import FrameSummary, StackSummary, TracebackException
from types import TracebackType

from caisson import host
from caisson.host import ScriptFailure, ScriptFailureKind
from caisson.tool_error import ToolError

# In characters. A script decides how long its messages are.
LONGEST = 8192
LONGEST_STACK = 32768
# So many exceptions of a chain and of groups are shown with their own causes, so many parts of a group, so many groups
# in each other, and so many notes of an exception.
ERRORS, PARTS, DEPTH, NOTES = 16, 10, 5, 20
# Half of so many frames are shown of the exception, half of the rest of its cause, and so on. A frame costs some
# microseconds in CPython, and a millisecond here.
FRAMES = 100
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


def line_of(error, name):
    """An exception as a line of the log: what it says, and where in the source it came about."""
    failure = of(error, name)
    if failure.line is None:
        return failure.message
    return f"{failure.message} ({name}:{failure.line}{f':{failure.column}' if failure.column is not None else ''})"


# What the interpreter itself has of an exception, whatever its class says. `isinstance` also asks the exception's
# `__class__`, which may be code of the script's.
CAUSE, CONTEXT = BaseException.__cause__.__get__, BaseException.__context__.__get__
SUPPRESSED, TRACEBACK = BaseException.__suppress_context__.__get__, BaseException.__traceback__.__get__
MEMBERS = BaseExceptionGroup.exceptions.__get__
NAME = type.__dict__["__name__"].__get__


def is_a(error, kind):
    """Whether an exception is of a class."""
    return issubclass(type(error), kind)


def class_name(error):
    """The name of an exception's class, whatever its metaclass is."""
    return NAME(type(error))


def is_exit(error):
    """Whether an exception ends a script well, as `sys.exit()` and `sys.exit(0)` do."""
    if not is_a(error, SystemExit):
        return False
    code = SystemExit.code.__get__(error)
    return code is None or type(code) in (int, bool) and not code


def _of(error, name, compiling):
    if is_a(error, Failure):
        return made(error.kind, str(error), None, None, "")
    if compiling and is_a(error, SyntaxError):
        return made(ScriptFailureKind.SYNTAX, f"{type(error).__name__}: {error.msg}", error.lineno, error.offset, "")
    shown = described(error, name)
    message = "".join(shown.format_exception_only()).strip()
    if compiling:
        return made(ScriptFailureKind.SYNTAX, f"the source is too much for the compiler: {message}", None, None, "")
    kind = ScriptFailureKind.TOOL if is_tools(error) else ScriptFailureKind.RUNTIME
    try:
        stack = "".join(shown.format())
    except Exception:  # The script has changed what the library shows a stack with.
        stack = ""
    return made(kind, message, *place(shown, name), stack)


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


def described(error, name):
    """The exception with its causes and parts as the library shows them, but for what is too much. A script may make
    them without an end, or one part of very many groups, so that the library alone would not come to an end."""
    first = alone(error, name, FRAMES // 2)
    seen, todo = {id(error)}, deque([(first, error)])

    def reached(other):
        if other is None or id(other) in seen or len(seen) == ERRORS:
            return None
        seen.add(id(other))
        shown = alone(other, name, max(FRAMES // 2 ** len(seen), 2))
        todo.append((shown, other))
        return shown

    while todo:
        shown, error = todo.popleft()
        shown.__cause__ = reached(CAUSE(error))
        if shown.__cause__ is None and not SUPPRESSED(error):
            shown.__context__ = reached(CONTEXT(error))
        if is_a(error, BaseExceptionGroup):
            parts = MEMBERS(error)
            # The library says how many more there are.
            shown.exceptions = [reached(part) or alone(part, name, 2) for part in parts[:PARTS]] + [None] * (len(parts) - PARTS)
    return first


def alone(error, name, most):
    """One exception, without its causes and parts, and with so many frames of the script's and its packages'."""
    kept, dropped = frames(error, name, most)
    stack = None
    for frame in reversed(kept):
        stack = TracebackType(stack, frame.tb_frame, frame.tb_lasti, frame.tb_lineno)
    # What has a set of those that are seen is left without causes and parts.
    shown = TracebackException(
        type(error), error, stack, limit=len(kept), max_group_width=PARTS, max_group_depth=DEPTH, _seen=set()
    )
    shown.__cause__ = shown.__context__ = shown.exceptions = None
    shown._str = cut(shown._str, LONGEST)
    if type(shown.__notes__) is list and len(shown.__notes__) > NOTES:
        shown.__notes__ = [*shown.__notes__[:NOTES], f"[... {len(shown.__notes__) - NOTES} notes ...]"]
    if dropped:
        shown.stack = Stack(shown.stack)
        shown.stack.insert(most // 2, Dropped(f"  [... {dropped} frames ...]\n"))
    return shown


def frames(error, name, most):
    """The outermost and the innermost frames, one of them of the source where one is, and how many are left out."""
    first, last, source, n = [], deque(maxlen=most - most // 2), None, 0
    frame = TRACEBACK(error)
    while frame is not None:
        filename = frame.tb_frame.f_code.co_filename
        if filename == name or filename.startswith(PACKAGES):
            n += 1
            if filename == name:
                source = frame
            if len(first) < most // 2:
                first.append(frame)
            else:
                last.append(frame)
        frame = frame.tb_next
    kept = [*first, *last]
    if source is not None and source not in kept:
        kept = [*first, source, *last]
    return kept, n - len(kept)


class Dropped(FrameSummary):
    """Stands for frames that are left out."""

    def __init__(self, text):
        super().__init__("", None, "", lookup_line=False)
        self.name = text


class Stack(StackSummary):
    """Frames, and what stands for some."""

    def format_frame_summary(self, frame, **options):
        return frame.name if isinstance(frame, Dropped) else super().format_frame_summary(frame, **options)


def place(shown, name):
    """Where in the source it happened."""
    for frame in reversed(shown.stack):
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
    seen, todo = set(), [error]
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if is_a(one, BaseExceptionGroup):
            todo += MEMBERS(one)
        elif not is_a(one, ToolError):
            return False
    return True
