#!/bin/sh
# Makes the .wasm beside each .wat. Needs wasm-tools. Those under invalid/ are
# not valid, on purpose.
set -eu
cd "$(dirname "$0")"
for f in *.wat hostile/*.wat; do
	wasm-tools parse "$f" -o "${f%.wat}.wasm"
	wasm-tools validate --features all "${f%.wat}.wasm"
done
for f in invalid/*.wat; do
	wasm-tools parse "$f" -o "${f%.wat}.wasm"
done
