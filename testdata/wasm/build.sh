#!/bin/sh
# Rebuilds every guest here from the source beside it, byte for byte. Needs wabt,
# clang, lld, wasi-libc and libclang-rt-dev-wasm32.
set -eu
cd "$(dirname "$0")"
for f in *.wat; do
  wat2wasm "$f" -o "${f%.wat}.wasm"
done
for f in *.c; do
  clang --target=wasm32-wasi --sysroot=/usr -O2 -Wall -Werror -Wl,--strip-all -o "${f%.c}.wasm" "$f"
done
