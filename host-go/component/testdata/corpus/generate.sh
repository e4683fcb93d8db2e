#!/bin/sh
# Makes the components: each component.wasm of the component.wat beside it, with
# the wasmtime package of the Python that CAISSON_WASMTIME names; those of Rust,
# with the target wasm32-wasip2. With "large" as argument it makes those that are
# not committed, in .cache: of JavaScript with componentize-js, which npm ci puts
# in node_modules, and of Python with componentize-py.
set -eu
cd "$(dirname "$0")"
python=${CAISSON_WASMTIME:?names no Python with wasmtime: see README.md}
if [ "${1:-}" = large ]; then
	mkdir -p .cache
	../../../../node_modules/.bin/componentize-js js-values/guest.js -w js-values/world.wit -n dynamic \
		-d stdio random clocks http fetch-event -o .cache/js-values.wasm
	"$(dirname "$python")/componentize-py" -d python-values/world.wit -w dynamic \
		componentize -p python-values guest -o .cache/python-values.wasm
	rm -rf python-values/__pycache__
	exit
fi
"$python" - <<'PYTHON'
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
target=${CARGO_TARGET_DIR:-$PWD/.cache/target}
CARGO_TARGET_DIR=$target cargo build --quiet --release --locked --target wasm32-wasip2
for dir in rust-*; do
	cp "$target/wasm32-wasip2/release/$(echo "$dir" | tr - _).wasm" "$dir/component.wasm"
done
