;; Calls what the Rust bindings leave out: the functions that are not stable yet.
(component
  (import "wasi:cli/exit@0.2.6" (instance $exit (export "exit-with-code" (func (param "status-code" u8)))))
  (import "wasi:clocks/wall-clock@0.2.6" (instance $wall
    (type $dt (record (field "seconds" u64) (field "nanoseconds" u32)))
    (export "datetime" (type $datetime (eq $dt)))))
  (alias export $wall "datetime" (type $datetime))
  (import "wasi:clocks/timezone@0.2.6" (instance $zone
    (alias outer 1 $datetime (type $d)) (export "datetime" (type $d' (eq $d)))
    (type $td (record (field "utc-offset" s32) (field "name" string) (field "in-daylight-saving-time" bool)))
    (export "timezone-display" (type $td' (eq $td)))
    (export "display" (func (param "when" $d') (result $td')))
    (export "utc-offset" (func (param "when" $d') (result s32)))))
  (core module $Libc
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $libc (instantiate $Libc))
  (alias core export $libc "memory" (core memory $mem))
  (alias core export $libc "realloc" (core func $realloc))
  (core func $exit (canon lower (func $exit "exit-with-code")))
  (core func $display (canon lower (func $zone "display") (memory $mem) (realloc $realloc)))
  (core func $offset (canon lower (func $zone "utc-offset")))
  (core module $M
    (import "" "exit" (func $exit (param i32)))
    (import "" "display" (func $display (param i64 i32 i32)))
    (import "" "offset" (func $offset (param i64 i32) (result i32)))
    (func (export "exit") (param i32) (call $exit (local.get 0)) (unreachable))
    (func (export "display") (result i32) (call $display (i64.const 0) (i32.const 0) (i32.const 16)) (i32.const 16))
    (func (export "offset") (result i32) (call $offset (i64.const 0) (i32.const 0))))
  (core instance $m (instantiate $M (with "" (instance
    (export "exit" (func $exit)) (export "display" (func $display)) (export "offset" (func $offset))))))
  (func (export "exit") (param "code" u8) (canon lift (core func $m "exit")))
  (func (export "display") (result (tuple s32 string bool)) (canon lift (core func $m "display") (memory $mem)))
  (func (export "offset") (result s32) (canon lift (core func $m "offset")))
)
