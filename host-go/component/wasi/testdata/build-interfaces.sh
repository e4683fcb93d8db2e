#!/bin/sh
# Makes interfaces/VERSION.wasm: a component that imports every function of WASI
# 0.2 and calls none. Needs cargo, for the crates that the interfaces' WIT comes
# in, and wasm-tools.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for pair in 0.2.0=wasi@0.13.0+wasi-0.2.0 0.2.12=wasip2@2.0.1+wasi-0.2.12; do
	version=${pair%%=*} crate=${pair#*=}
	rm -rf "$work/c"
	cargo init --quiet --name c "$work/c"
	(cd "$work/c" && cargo add --quiet "${crate%@*}@=${crate#*@}" && cargo vendor --quiet vendor >/dev/null)
	wit="$work/c/vendor/${crate%@*}/wit"
	cat >"$wit/wasi-crate.wit" <<-END
		package caisson:test;
		world all {
		  include wasi:cli/imports@$version;
		  import wasi:http/types@$version;
		  import wasi:http/outgoing-handler@$version;
		  export run: func();
		}
	END
	wasm-tools component embed --all-features --dummy "$wit" -o "$work/core.wasm"
	wasm-tools component new "$work/core.wasm" -o "$work/all.wasm"
	wasm-tools strip --all "$work/all.wasm" -o "interfaces/$version.wasm"
done
