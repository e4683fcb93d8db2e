"""The component: adapts what the world `script` exports. wit/scripts.wit has the contract."""

import gc

import caisson.library  # First: what a script may import is imported when the component is built.
from wit_world import exports

from caisson.runner import Runner

runner = Runner()


class Scripts(exports.Scripts):
    def run(self, call, source, tools, input, args):
        runner.run(call, source.name, source.text, tools, input, args)

    def load(self, call, source, tools):
        runner.load(call, source.name, source.text, tools)

    def call(self, call, function, positional, named):
        runner.call(call, function, positional, named)

    def deliver(self, events):
        runner.deliver(events)


# The collector leaves alone what is in the snapshot: it would write to all of its memory, which instances share.
gc.collect()
gc.freeze()
