"""A command and the pipe to it, for `pipe-open`, `pipe-write` and `pipe-close`; on systems with process groups."""

import contextlib
import os
import queue
import signal
import subprocess
import threading

from core import failure

MESSAGE_BYTES = 32 << 20
WAITING_MESSAGES = 1000
GRACE_SECONDS = 2


class Command:
    """Tells `pipe-data` for each line, and `pipe-closed` at last. `tell` may make its caller wait."""

    def __init__(self, command, tell):
        self.tell, self.waiting = tell, queue.Queue(WAITING_MESSAGES)
        self.process, self.error = None, failure("transport", "the command ended by itself")
        self.deadline = threading.Timer(GRACE_SECONDS, self.kill)
        self.deadline.daemon = True
        try:
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, start_new_session=True)
            threading.Thread(target=self.send, daemon=True).start()
        except OSError as error:
            self.error = failure("connect", str(error))
        threading.Thread(target=self.receive, daemon=True).start()

    def write(self, message):
        try:
            self.waiting.put_nowait(message)
        except queue.Full:
            self.error = failure("limit", f"{WAITING_MESSAGES} messages wait for the command to read them")
            self.kill()

    def close(self):
        """Ends the command's input, and the command when it does not end by itself."""
        if self.process and not self.deadline.is_alive():
            self.error = None  # the core closed it
            self.finish_input()
            self.deadline.start()

    def finish_input(self):
        with contextlib.suppress(queue.Full):  # who has read nothing of that is killed
            self.waiting.put_nowait(None)

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def send(self):
        with contextlib.suppress(OSError):  # who does not read any more has ended, which receive tells
            with self.process.stdin as stdin:
                while (message := self.waiting.get()) is not None:
                    stdin.write(message.encode() + b"\n")
                    stdin.flush()

    def receive(self):
        if self.process:
            self.read_lines()
            self.finish_input()
            try:
                self.process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
                self.process.wait()
            self.deadline.cancel()
        self.tell("pipe-closed", error=self.error)

    def read_lines(self):
        with self.process.stdout as stdout:
            while line := stdout.readline(MESSAGE_BYTES + 1):
                if len(line) > MESSAGE_BYTES:
                    self.error = failure("limit", f"a message is larger than {MESSAGE_BYTES} bytes")
                    return self.kill()
                self.tell("pipe-data", message=line.rstrip(b"\r\n").decode(errors="replace"))
