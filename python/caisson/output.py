"""What a script prints goes to its log."""

import io
import sys

from caisson import host


class Output(io.TextIOBase):
    """A stream whose lines are lines of the log."""

    # More of a line than this is a line: what is not yet written must not grow without a bound.
    LONGEST = 1 << 16

    def __init__(self, level, name):
        super().__init__()
        self._level = level
        self._parts = []
        self._length = 0
        self.name = name

    encoding = "utf-8"
    errors = "replace"

    def writable(self):
        return True

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        *lines, rest = str.split(text, "\n")
        for line in lines:
            self._parts.append(line)
            self._write()
        if rest:
            self._parts.append(rest)
            self._length += len(rest)
            if self._length > self.LONGEST:
                self._write()
        return len(text)

    def _write(self):
        line = "".join(self._parts)
        self._parts.clear()
        self._length = 0
        host.log(self._level, line)

    def flush(self):
        """A line that has not ended waits: print(end="") and flush() are used for lines in parts."""

    def reconfigure(self, **options):
        """Scripts say that they write UTF-8. So they do."""

    def finish(self):
        """Writes the last line, which has no end."""
        if self._parts:
            self._write()


class Console:
    """`console`, as in JavaScript."""

    def _at(level):
        return lambda self, *values: host.log(level, " ".join(map(str, values)))

    debug, log, info, warn, error = map(_at, (host.DEBUG, host.INFO, host.INFO, host.WARN, host.ERROR))


out, err = Output(host.INFO, "<stdout>"), Output(host.WARN, "<stderr>")


def install():
    sys.stdout = sys.__stdout__ = out
    sys.stderr = sys.__stderr__ = err
    sys.stdin = sys.__stdin__ = io.StringIO()


def finish():
    out.finish()
    err.finish()
