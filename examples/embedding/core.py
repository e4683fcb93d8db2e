"""The core in wasmtime: nothing here knows what its imports and exports mean."""

import threading

import wasmtime
from wasmtime import component
from wasmtime.component import Variant  # noqa: F401, for who imports this module

MEMORY_BYTES = 512 << 20
SECONDS = 30


def record(**fields):
    """A record of the contract, whose names have hyphens where Python's have underscores."""
    made = component.Record()
    vars(made).update({name.replace("_", "-"): value for name, value in fields.items()})
    return made


def failure(kind, message):
    """The contract's `io-error`."""
    return record(kind=kind, message=message, cause=0)


class Core:
    """An instance of the component at a path. `imports` has functions by the contract's names; others do nothing."""

    def __init__(self, path, imports):
        config = wasmtime.Config()
        config.cache, config.epoch_interruption = True, True
        self.engine = wasmtime.Engine(config)
        self.store = wasmtime.Store(self.engine)
        self.store.set_limits(memory_size=MEMORY_BYTES)
        self.store.set_wasi(wasmtime.WasiConfig())  # no folder, no socket, no environment
        compiled, linker = component.Component.from_file(self.engine, path), component.Linker(self.engine)
        linker.add_wasip2()
        with linker.root() as root:
            for name, interface in compiled.type.imports(self.engine).items():
                if name.startswith("caisson:mcp/"):
                    with root.add_instance(name) as instance:
                        for item, kind in interface.ty.exports(self.engine).items():
                            if isinstance(kind.ty, component.FuncType):
                                instance.add_func(item, self.imported(imports.get(item)))
        self.store.set_epoch_deadline(1)
        self.instance = linker.instantiate(self.store, compiled)

    @staticmethod
    def imported(function):
        def call(store, *arguments):
            if function:
                function(*arguments)

        return call

    def call(self, interface, function, *arguments):
        """Calls an export. What takes longer than SECONDS traps, and a core that trapped is never called again."""
        at = self.instance.get_export_index(self.store, f"caisson:mcp/{interface}@0.1.0")
        export = self.instance.get_func(self.store, self.instance.get_export_index(self.store, function, at))
        self.store.set_epoch_deadline(1)
        watchdog = threading.Timer(SECONDS, self.engine.increment_epoch)
        watchdog.start()
        try:
            export(self.store, *arguments)
        finally:
            watchdog.cancel()
