;; Imports functions of WASI with types that are not theirs: each export has to
;; trap, and harm nobody else.
(component
  (import "wasi:random/random@0.2.0" (instance $random
    (export "get-random-bytes" (func (param "len" string) (result (list u8))))
    (export "get-random-u64" (func (result string)))))
  (import "wasi:io/poll@0.2.0" (instance $poll
    (export "pollable" (type $p (sub resource)))
    (export "[method]pollable.ready" (func (param "self" (borrow $p)) (result bool)))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:clocks/monotonic-clock@0.2.0" (instance $mono
    (alias outer 1 $pollable (type $p)) (export "pollable" (type $p' (eq $p)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $p'))))))
  ;; an output stream is no pollable
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $pollable (type $p)) (export "output-stream" (type $out (eq $p)))
    (export "get-stdout" (func (result (own $out))))))
  (import "wasi:cli/exit@0.2.0" (instance $exit (export "exit" (func))))
  (core module $Libc
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $libc (instantiate $Libc))
  (alias core export $libc "memory" (core memory $mem))
  (alias core export $libc "realloc" (core func $realloc))
  (core func $bytes (canon lower (func $random "get-random-bytes") (memory $mem) (realloc $realloc)))
  (core func $u64 (canon lower (func $random "get-random-u64") (memory $mem) (realloc $realloc)))
  (core func $subscribe (canon lower (func $mono "subscribe-duration")))
  (core func $stdout (canon lower (func $stdout "get-stdout")))
  (core func $ready (canon lower (func $poll "[method]pollable.ready")))
  (core func $exit (canon lower (func $exit "exit")))
  (core module $M
    (import "" "bytes" (func $bytes (param i32 i32 i32)))
    (import "" "u64" (func $u64 (param i32)))
    (import "" "subscribe" (func $subscribe (param i64) (result i32)))
    (import "" "stdout" (func $stdout (result i32)))
    (import "" "ready" (func $ready (param i32) (result i32)))
    (import "" "exit" (func $exit))
    (func (export "argument") (call $bytes (i32.const 0) (i32.const 1) (i32.const 16)))
    (func (export "result") (call $u64 (i32.const 16)))
    (func (export "resource") (drop (call $ready (call $stdout))))
    (func (export "count") (call $exit)))
  (core instance $m (instantiate $M (with "" (instance
    (export "bytes" (func $bytes)) (export "u64" (func $u64)) (export "subscribe" (func $subscribe))
    (export "stdout" (func $stdout)) (export "ready" (func $ready)) (export "exit" (func $exit))))))
  (func (export "argument") (canon lift (core func $m "argument")))
  (func (export "result") (canon lift (core func $m "result")))
  (func (export "resource") (canon lift (core func $m "resource")))
  (func (export "count") (canon lift (core func $m "count"))))
