#!/bin/sh
# Builds guest.wasm, a command component, from guest/. Needs cargo with the
# target wasm32-wasip2 ("rustup target add wasm32-wasip2").
set -eu
cd "$(dirname "$0")/guest"
# No paths of this machine in the binary.
export RUSTFLAGS="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo --remap-path-prefix=$PWD=guest"
cargo build --locked --release --target wasm32-wasip2 --target-dir "${TMPDIR:-/tmp}/caisson-guest"
cp "${TMPDIR:-/tmp}/caisson-guest/wasm32-wasip2/release/guest.wasm" ..
