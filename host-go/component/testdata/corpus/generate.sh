#!/bin/sh
# Makes each component.wasm of the component.wat beside it, with the wasmtime
# package of the Python that CAISSON_WASMTIME names.
set -eu
cd "$(dirname "$0")"
"${CAISSON_WASMTIME:?names no Python with wasmtime: see README.md}" - <<'PYTHON'
import glob, os, wasmtime
for wat in sorted(glob.glob("*/component.wat")):
    with open(wat) as f:
        try:
            wasm = wasmtime.wat2wasm(f.read())
        except wasmtime.WasmtimeError as e:
            raise SystemExit(f"{wat}: {e}")
    with open(os.path.splitext(wat)[0] + ".wasm", "wb") as f:
        f.write(wasm)
PYTHON
