"""Runs calls of components under wasmtime, for the differential test.

Reads a request a line, writes a reply a line, both JSON:

    {"wasm": PATH, "imports": {NAME: BEHAVIOUR}, "resources": {INTERFACE: [NAME]},
     "pages": N, "runs": [{"restart": BOOL, "calls": [[EXPORT, ARGUMENT...]]}]}
    {"runs": [[{"value": V, "trap": MESSAGE, "log": [[IMPORT, ARGUMENT...]]}]]}

README.md has the values, the behaviours of imports and the calls.
"""

import json
import struct
import sys

import wasmtime
from wasmtime import component as c
from wasmtime.component import _types

# Every variant, option and result by its tag: without this the package passes
# the payload alone wherever its Python type tells the case.
_types.VariantLikeType._tagged = lambda self: True


class HostError(Exception):
    """The failure of an import that is told to fail."""


def to_bits(f, wide):
    if f != f:
        return "0x7ff8000000000000" if wide else "0x7fc00000"
    (n,) = struct.unpack("<Q" if wide else "<I", struct.pack("<d" if wide else "<f", f))
    return f"0x{n:0{16 if wide else 8}x}"


def from_bits(s, wide):
    n = int(s, 16)
    (f,) = struct.unpack("<d" if wide else "<f", struct.pack("<Q" if wide else "<I", n))
    return f if f == f else float("nan")


class Run:
    """One instance at a time, its handles and the log of its imports."""

    def __init__(self, comp):
        self.comp = comp
        self.fresh()

    def fresh(self):
        self.store = wasmtime.Store(self.comp.engine)
        if self.comp.pages:
            self.store.set_limits(memory_size=self.comp.pages << 16)
        self.store.set_wasi(wasmtime.WasiConfig())
        self.handles, self.log, self.reps, self.uses = [], [], 0, {}
        self.instance = None

    def call(self, name, args):
        """Makes one call and returns its outcome."""
        self.log = []
        out = {}
        try:
            if self.instance is None:
                self.comp.run = self
                self.instance = self.comp.linker.instantiate(self.store, self.comp.component)
            self.comp.run = self
            if name == "$drop":
                self.handles[args[0]].drop(self.store)
            elif name != "$new":
                self.invoke(name, args, out)
        except HostError as e:
            out["trap"] = "host: " + str(e)
        except wasmtime.WasmtimeError as e:
            out["trap"] = str(e)
        if self.log:
            out["log"] = self.log
        return out

    def invoke(self, name, args, out):
        f = self.export(name)
        ty = f.type(self.store)
        values = [self.decode(t, a) for (_, t), a in zip(ty.params, args, strict=True)]
        result = f(self.store, *values)
        if ty.result is not None:
            out["value"] = self.encode(ty.result, result)

    def export(self, name):
        index = None
        for part in name.split("#"):
            index = self.instance.get_export_index(self.store, part, index)
        return self.instance.get_func(self.store, index)

    def host(self, name, ty, store, args):
        """What an import does: see README.md."""
        self.log.append([name] + [self.encode(t, a, store) for (_, t), a in zip(ty.params, args)])
        how = self.comp.imports.get(name, {})
        n = self.uses[name] = self.uses.get(name, 0) + 1
        if "error" in how:
            raise HostError(how["error"])
        if ty.result is None:
            return None
        if "values" in how:
            return self.decode(ty.result, how["values"][(n - 1) % len(how["values"])])
        if "new" in how:
            self.reps += 1
            return c.ResourceHost.own(self.reps, self.comp.resource_id)
        if "rep" in how:
            return self.log[-1][1]["rep"]
        return self.decode(ty.result, self.log[-1][1])

    def decode(self, t, v):
        d = self.decode
        if isinstance(t, (c.F32, c.F64)):
            wide = isinstance(t, c.F64)
            return from_bits(v, wide) if isinstance(v, str) else float(v)
        if isinstance(t, c.ListType):
            e = t.element
            return bytes(v) if isinstance(e, c.U8) else [d(e, x) for x in v]
        if isinstance(t, c.RecordType):
            r = c.Record()
            for name, ft in t.fields:
                setattr(r, name, d(ft, v[name]))
            return r
        if isinstance(t, c.TupleType):
            return tuple(d(e, x) for e, x in zip(t.elements, v, strict=True))
        if isinstance(t, c.OptionType):
            return c.Variant("some", d(t.payload, v[0])) if v else c.Variant("none")
        if isinstance(t, (c.VariantType, c.ResultType)):
            ((tag, x),) = v.items()
            payload = dict(t._cases())[tag]
            return c.Variant(tag) if payload is None else c.Variant(tag, d(payload, x))
        if isinstance(t, c.FlagsType):
            return set(v)
        if isinstance(t, (c.OwnType, c.BorrowType)):
            if "rep" in v:
                return c.ResourceHost.own(v["rep"], self.comp.resource_id) if isinstance(t, c.OwnType) \
                    else c.ResourceHost.borrow(v["rep"], self.comp.resource_id)
            return self.handles[v["handle"]]
        return v

    def encode(self, t, v, store=None):
        def e(t, v):
            return self.encode(t, v, store)
        if isinstance(t, (c.F32, c.F64)):
            return to_bits(v, isinstance(t, c.F64))
        if isinstance(t, c.ListType):
            return list(v) if isinstance(t.element, c.U8) else [e(t.element, x) for x in v]
        if isinstance(t, c.RecordType):
            return {name: e(ft, getattr(v, name)) for name, ft in t.fields}
        if isinstance(t, c.TupleType):
            return [e(et, x) for et, x in zip(t.elements, v)]
        if isinstance(t, c.OptionType):
            return [e(t.payload, v.payload)] if v.tag == "some" else []
        if isinstance(t, (c.VariantType, c.ResultType)):
            payload = dict(t._cases())[v.tag]
            return {v.tag: None if payload is None else e(payload, v.payload)}
        if isinstance(t, c.FlagsType):
            return [n for n in t.names if n in v]
        if isinstance(t, (c.OwnType, c.BorrowType)):
            # What an import is given is of a resource of the host.
            if store or t.ty == c.ResourceType.host(self.comp.resource_id):
                return {"rep": v.to_host(store or self.store).rep}
            self.handles.append(v)
            return {"handle": len(self.handles) - 1}
        return v


class Comp:
    """A component, compiled, with the linker that gives its imports."""

    resource_id = 1  # host resources are told apart by their interface alone

    def __init__(self, request):
        self.engine = wasmtime.Engine(config())
        with open(request["wasm"], "rb") as f:
            self.component = c.Component(self.engine, f.read())
        self.imports = request.get("imports") or {}
        self.resources = request.get("resources") or {}
        self.pages = request.get("pages") or 0
        self.run = None
        self.types = {}
        self.linker = c.Linker(self.engine)
        self.linker.allow_shadowing = True
        imports = self.component.type.imports(self.engine)
        if any(name.startswith("wasi:") for name in imports):
            self.linker.add_wasip2()
        with self.linker.root() as root:
            for name, item in imports.items():
                if name.startswith("wasi:"):
                    continue
                ty = item.ty
                if isinstance(ty, c.ComponentInstanceType):
                    with root.add_instance(name) as inst:
                        for fn, sub in ty.exports(self.engine).items():
                            self.define(inst, name, fn, sub.ty)
                else:
                    self.define(root, "", name, ty)

    def define(self, at, interface, name, ty):
        full = f"{interface}#{name}" if interface else name
        if isinstance(ty, c.FuncType):
            def f(store, *args):
                return self.run.host(full, self.types[full], store, args)
            self.types[full] = ty
            at.add_func(name, f)
        elif isinstance(ty, c.ResourceType):
            at.add_resource(name, c.ResourceType.host(self.resource_id),
                            lambda store, rep: self.run.log.append(["$drop " + full, rep]))


def config():
    cfg = wasmtime.Config()
    cfg.wasm_component_model = True
    return cfg


def answer(request, known):
    key = request["wasm"]
    if key not in known:
        known.clear()
        known[key] = Comp(request)
    comp = known[key]
    runs = []
    for r in request["runs"]:
        run, outcomes = Run(comp), []
        for name, *args in r["calls"]:
            out = run.call(name, args)
            outcomes.append(out)
            if "trap" in out and r.get("restart"):
                run.fresh()
        runs.append(outcomes)
    return {"runs": runs}


def main():
    known = {}
    for line in sys.stdin:
        try:
            reply = answer(json.loads(line), known)
        except Exception as e:  # the test has to say which component it was
            reply = {"error": f"{type(e).__name__}: {e}"}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
