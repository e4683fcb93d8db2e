#!/bin/sh
# Builds guest.wasm, a command component, from guest/. Needs cargo with the
# target wasm32-wasip2 ("rustup target add wasm32-wasip2").
set -eu
cd "$(dirname "$0")/guest"
cargo build --locked --release --target wasm32-wasip2 --target-dir "${TMPDIR:-/tmp}/caisson-guest"
cp "${TMPDIR:-/tmp}/caisson-guest/wasm32-wasip2/release/guest.wasm" ..
