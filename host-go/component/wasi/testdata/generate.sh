#!/bin/sh
# Makes the .wasm beside each .wat. Needs wasm-tools.
set -eu
cd "$(dirname "$0")"
for f in *.wat; do
	wasm-tools parse "$f" -o "${f%.wat}.wasm"
	wasm-tools validate --features all "${f%.wat}.wasm"
done
