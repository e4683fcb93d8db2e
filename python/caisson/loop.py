"""The event loop. What it waits for comes from the host: as events of `deliver` while no code runs, and from the
import `wait` while code runs that cannot await."""

import asyncio
import heapq
import sched
import sys
import time
from asyncio import events, tasks
from math import ceil, inf
from time import monotonic

from caisson import failure, host

# The host counts milliseconds in 32 bits. A later time is waited for in parts.
LONGEST = 0xFFFF_FFFF
# So many errors that nobody has caught the log has.
UNCAUGHT = 100


class Loop(asyncio.BaseEventLoop):
    """Runs the tasks of one instance."""

    def __init__(self):
        super().__init__()
        self._reached = 0.0  # The latest time that a timer of the host's was set for and has come.
        # The loop has one timer of the host's: for what is due first. Its id is new each time that it is set, so that
        # an event of the one before, which may be underway, is not taken for it.
        self._timer = 0
        self._armed = None  # the time that it is set for
        self.ended = None  # what has ended everything: SystemExit or KeyboardInterrupt of any task
        self._depth = 0
        self._stopped = False
        self.on_answer = lambda answer: None
        self._told = 0
        self.source = ""  # the name of the script's, for the places of errors

    def time(self):
        # The host's clock may be frozen, or behind the timer: what was waited for has come all the same.
        return max(monotonic(), self._reached)

    def take(self, events):
        for event in events:
            if isinstance(event, host.ScriptEvent_Timer):
                if event.value == self._timer and self._armed is not None:
                    self._reached = max(self._reached, self._armed)
                    self._armed = None
            else:
                self.on_answer(event.value)

    def turn(self):
        """Runs until everything waits. What ends a task ends it alone, but for SystemExit and KeyboardInterrupt, after
        which nothing runs any more."""
        self._running(lambda: False)
        self._arm()

    def _running(self, done):
        before = events._get_running_loop()
        events._set_running_loop(self)
        self._depth += 1
        try:
            while not done() and self.ended is None:
                self._ripen()
                if not self._ready:
                    return
                # Not a for loop over what is ready: a task may run this again.
                for _ in range(len(self._ready)):
                    if not self._ready or done() or self.ended is not None:
                        break
                    handle = self._ready.popleft()
                    if not handle._cancelled:
                        self._step(handle)
                    handle = None  # As in asyncio: the frames in an exception keep what they have.
        finally:
            self._depth -= 1
            events._set_running_loop(before)

    def _step(self, handle):
        try:
            handle._run()
        except (SystemExit, KeyboardInterrupt) as error:
            if self.ended is None:
                self.ended = error
            if self._depth > 1:
                raise
        finally:
            handle = None

    def _ripen(self):
        """Moves the handles that are due to those that are ready."""
        while self._scheduled:
            handle = self._scheduled[0]
            if not handle._cancelled and handle._when > self.time():
                return
            heapq.heappop(self._scheduled)
            handle._scheduled = False
            if not handle._cancelled:
                self._ready.append(handle)

    def call_at(self, when, callback, *args, context=None):
        """All that has a time comes here. What is not before, nor after, another time has no place among the others."""
        when = float(when + 0.0)
        if when != when:
            raise ValueError("Invalid time NaN (not a number)")
        return super().call_at(when, callback, *args, context=context)

    def _timer_handle_cancelled(self, handle):
        pass  # _ripen finds it.

    def _arm(self):
        """Sets the host's timer for the handle that is due first."""
        while self._scheduled and self._scheduled[0]._cancelled:
            heapq.heappop(self._scheduled)._scheduled = False
        if self._scheduled:
            self._arm_for(self._scheduled[0]._when)
        else:
            self._disarm()

    def _arm_for(self, when):
        """Sets the host's timer for a time, or for a part of the way."""
        if when == self._armed:
            return
        self._disarm()
        if when == inf:
            return  # It never comes, and the host can see that nothing does.
        now = self.time()
        left = min(max(when - now, 0.0), LONGEST / 1000)
        self._armed = min(when, now + LONGEST / 1000)
        self._timer = self._timer % 0xFFFF_FFFF + 1
        host.set_timer(self._timer, min(ceil(left * 1000), LONGEST))

    def _disarm(self):
        if self._armed is not None:
            self._armed = None
            host.clear_timer(self._timer)

    def wait_until(self, done):
        """Waits inside of code that cannot await, while other tasks go on. The task that runs is set aside."""
        task = tasks._swap_current_task(self, None)
        try:
            while True:
                self._running(done)
                if done():
                    return
                self._arm()
                self._await_host()
        finally:
            tasks._swap_current_task(self, task)

    def _await_host(self):
        came = host.wait()
        if not came:
            raise RuntimeError("this waits for what cannot come: no call of a tool waits for its answer, and no timer is set")
        self.take(came)

    def block_until(self, done):
        """Waits inside of code that cannot await, and lets nothing else run."""
        while not done():
            self._await_host()

    def sleep(self, seconds):
        """`time.sleep`."""
        if seconds != seconds:
            raise ValueError("Invalid value NaN (not a number)")
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        until = self.time() + seconds
        while self.time() < until:
            # Not for a handle that is due before: it does not run meanwhile.
            self._arm_for(until)
            self._await_host()

    # What asyncio asks of a loop. There is one, it is always there, and it always runs.

    def run_until_complete(self, future):
        future = tasks.ensure_future(future, loop=self)
        try:
            self.wait_until(future.done)
        except BaseException:
            future.cancel()
            raise
        return future.result()

    def run_forever(self):
        self._stopped = False
        self.wait_until(lambda: self._stopped)

    def stop(self):
        self._stopped = True

    def is_running(self):
        return events._get_running_loop() is self

    def is_closed(self):
        return False

    def close(self):
        pass

    def call_soon_threadsafe(self, callback, *args, context=None):
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(self, executor, func, *args):
        """There are no threads: the function runs now."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:
            future.set_exception(error)
        return future

    async def shutdown_default_executor(self, timeout=None):
        pass

    def _write_to_self(self):
        pass

    def _process_events(self, event_list):
        pass

    def default_exception_handler(self, context):
        self._told += 1
        if self._told > UNCAUGHT:
            if self._told == UNCAUGHT + 1:
                host.log(host.ERROR, "further errors that nobody has caught are not shown")
            return
        error = context.get("exception")
        text = str(context.get("message", "an error in the event loop"))
        host.log(host.ERROR, f"{text}: {failure.line_of(error, self.source)}" if error is not None else text)


class Runner:
    """`asyncio.Runner`, on the loop that is there."""

    def __init__(self, *, debug=None, loop_factory=None):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        pass

    def close(self):
        pass

    def get_loop(self):
        return loop

    def run(self, coro, *, context=None):
        if not asyncio.iscoroutine(coro):
            if not hasattr(coro, "__await__"):
                raise ValueError(f"a coroutine was expected, got {coro!r}")

            async def awaiting(it):
                return await it

            coro = awaiting(coro)
        return loop.run_until_complete(loop.create_task(coro, context=context))


def run(main, *, debug=None, loop_factory=None):
    return Runner().run(main)


loop = Loop()


def install():
    """Has asyncio and `time.sleep` use the loop."""
    for module in (asyncio, asyncio.runners):
        module.run, module.Runner = run, Runner
    for module in (asyncio, asyncio.events):
        module.new_event_loop = module.get_event_loop = lambda: loop
        module.set_event_loop = lambda new: None
    time.sleep = loop.sleep
    sched.scheduler.__init__.__defaults__ = sched.scheduler.__init__.__defaults__[:-1] + (loop.sleep,)
    sys.set_asyncgen_hooks(loop._asyncgen_firstiter_hook, loop._asyncgen_finalizer_hook)
