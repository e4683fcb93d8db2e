"""What goes wrong, and how the host tells of it.

    python -m unittest discover -s examples/embedding    # CORE names the component
"""

import json
import os
import pathlib
import sys
import unittest

import wasmtime

import core
from core import Variant
from host import Failed, Host
from main import SERVER, SESSION, answer, config

CORE = os.environ.get("CORE", str(pathlib.Path(__file__).parents[2] / "build/core.wasm"))
BOTH = ["2025-11-25", "2026-07-28"]

# Answers the handshake, and does what a test says with each other message.
SCRIPT = """
import json, os, subprocess, sys, time
for line in sys.stdin:
    message = json.loads(line)
    if message.get("method") == "initialize":
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}}
        result["serverInfo"] = {"name": "script", "version": "1"}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
    elif "id" in message:
        DO
END
"""


def script(do="pass", end="pass"):
    return [sys.executable, "-c", SCRIPT.replace("DO", do).replace("END", end)]


class HostTest(unittest.TestCase):
    def connect(self, command=SERVER, revision=BOTH[0], answer=answer, **options):
        host = Host(CORE, command, answer)
        self.addCleanup(host.close, SESSION)
        host.call("connect", SESSION, config(revision, **options))
        return host

    def fails(self, tag, function, *arguments, **options):
        with self.assertRaises(Failed) as caught:
            function(*arguments, **options)
        self.assertEqual(caught.exception.failure.tag, tag, str(caught.exception))
        return caught.exception.failure.payload

    def test_a_command_that_is_not_there(self):
        self.fails("connect", self.connect, ["/no/such/command"])

    def test_a_command_that_ends_during_a_call(self):
        host = self.connect(script("sys.exit()"))
        self.fails("transport", host.call, "list-tools", SESSION, "{}")
        self.assertEqual(host.pipes, {})
        self.fails("closed", host.call, "list-tools", SESSION, "{}")

    def test_a_command_that_says_nothing(self):
        host = Host(CORE, [sys.executable, "-c", "import sys; sys.stdin.read()"], answer)
        self.addCleanup(host.close, SESSION)
        brief = config(BOTH[0])
        setattr(brief, "connect-timeout", 300)
        self.fails("timeout", host.call, "connect", SESSION, brief)

    def test_http_is_refused(self):
        self.fails("refused", self.connect, endpoint=Variant("http", "http://127.0.0.1:1/mcp"))

    def test_an_error_of_the_servers(self):
        for revision in BOTH:
            host = self.connect(revision=revision)
            error = self.fails("rpc", host.call, "request", SESSION, "no/such", "{}")
            self.assertEqual((error.code, error.message), (-32601, "Method not found"))

    def test_a_question_that_is_declined(self):
        for revision in BOTH:
            host = self.connect(revision=revision, answer=lambda method, params: {"action": "decline"})
            result = host.call("call-tool", SESSION, json.dumps({"name": "greet", "arguments": {}}))
            self.assertEqual(result["content"], [{"type": "text", "text": "Hello."}])

    def test_a_message_that_is_too_large(self):
        host = self.connect(script("print('x' * (33 << 20), flush=True)"))
        self.fails("limit", host.call, "list-tools", SESSION, "{}")

    def test_a_command_that_does_not_end_is_killed_with_its_children(self):
        host = self.connect(script(end="subprocess.Popen(['sleep', '600']); time.sleep(600)"))
        (command,) = host.pipes.values()
        host.close(SESSION)
        self.assertEqual(command.process.returncode, -9)  # and its child holds the pipe open no more

    def test_a_core_that_takes_too_long_is_never_entered_again(self):
        host = Host(CORE, SERVER, answer)
        core.SECONDS = 0
        try:
            with self.assertRaises(wasmtime.WasmtimeError):
                host.core.call("client", "request", 1, SESSION, "x", json.dumps(list(range(1_000_000))))
        finally:
            core.SECONDS = 30
        with self.assertRaisesRegex(wasmtime.WasmtimeError, "cannot enter"):
            host.core.call("client", "ping", 2, SESSION)


if __name__ == "__main__":
    unittest.main()
