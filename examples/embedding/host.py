"""A host for the core, with one session over the pipe to a command. docs/embedding.md explains it."""

import itertools
import json
import queue
import time

from command import Command
from core import Core, Variant, failure, record

COMMANDS = 4  # at once, for one session


class Host:
    """Runs one operation at a time. `answer` is given each question's method and params, and gives the result."""

    def __init__(self, path, command, answer, notified=print):
        self.command, self.answer, self.numbers = command, answer, itertools.count(1)
        self.pipes, self.timers, self.asks, self.outcomes = {}, {}, {}, {}
        self.told = []  # by imports, which must not call the core
        self.inbox = queue.Queue(maxsize=1)  # by threads that read: each waits until the core has taken its event
        self.core = Core(path, {
            "pipe-open": self.pipe_open,
            "pipe-write": lambda pipe, message: pipe in self.pipes and self.pipes[pipe].write(message),
            "pipe-close": lambda pipe: pipe in self.pipes and self.pipes[pipe].close(),
            "http-start": self.http_refuse,
            "http-post": self.http_refuse,
            "set": lambda timer, delay: self.timers.update({timer: time.monotonic() + delay / 1000}),
            "clear": lambda timer: self.timers.pop(timer, None),
            "settle": lambda call, outcome: self.outcomes.update({call: outcome}),
            "ask": lambda ask, session, method, params: self.asks.update({ask: (method, params)}),
            "retract": lambda ask: self.asks.pop(ask, None),
            "notify": lambda session, method, params: notified(method, params),
        })

    def pipe_open(self, pipe, session):
        if len(self.pipes) >= COMMANDS:
            error = failure("limit", f"{COMMANDS} commands run already")
            return self.told.append(Variant("pipe-closed", record(pipe=pipe, error=error)))

        def tell(kind, **event):
            self.inbox.put(Variant(kind, record(pipe=pipe, **event)))

        self.pipes[pipe] = Command(self.command, tell)

    def http_refuse(self, exchange, *ignored):
        error = failure("refused", "this host grants no HTTP")
        self.told.append(Variant("http-end", record(exchange=exchange, error=error)))

    def call(self, operation, *arguments):
        """Begins an operation, and does what the core asks until it has settled. Gives the protocol's result."""
        number = next(self.numbers)
        self.core.call("client", operation, number, *arguments)
        while number not in self.outcomes:
            self.step()
        outcome = self.outcomes.pop(number)
        if not isinstance(outcome, str):
            raise Failed(outcome)
        return json.loads(outcome)

    def step(self):
        """Waits until something has happened, and tells the core."""
        while self.asks:
            ask, (method, params) = self.asks.popitem()
            result = json.dumps(self.answer(method, json.loads(params)))
            self.told.append(Variant("answer", record(ask=ask, outcome=result)))
        events, self.told = self.told, []
        if not events:
            due = min(self.timers.values(), default=None)
            try:
                events = [self.inbox.get(timeout=due and max(0, due - time.monotonic()))]
                if events[0].tag == "pipe-closed":
                    del self.pipes[events[0].payload.pipe]
            except queue.Empty:
                pass  # a timer is due
        for timer in [timer for timer, due in self.timers.items() if due <= time.monotonic()]:
            del self.timers[timer]
            events.append(Variant("timer", timer))
        self.core.call("ingress", "deliver", events)

    def close(self, session):
        """Ends the session, if it is there, and waits until its commands are gone."""
        self.call("close", session)
        while self.pipes:
            self.step()


class Failed(Exception):
    """What an operation failed with: the contract's `error`."""

    def __init__(self, error):
        super().__init__(f"{error.step}: {error.failure.tag}: {error.failure.payload}")
        self.failure = error.failure
