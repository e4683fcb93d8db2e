;; The smallest component that does something with a string, for the example in
;; the package documentation.
(component
  (import "t:greet/log@1.0.0" (instance $log (export "line" (func (param "text" string)))))
  (core module $Libc
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32) (param $new i32) (result i32)
      (local $ptr i32)
      (local.set $ptr (global.get $next))
      (global.set $next (i32.add (local.get $ptr) (local.get $new)))
      (local.get $ptr)))
  (core instance $libc (instantiate $Libc))
  (alias core export $libc "memory" (core memory $mem))
  (alias core export $libc "realloc" (core func $realloc))
  (core func $line (canon lower (func $log "line") (memory $mem)))
  (core module $M
    (import "" "memory" (memory 1))
    (import "" "line" (func $line (param i32 i32)))
    (data (i32.const 16) "hello, ")
    ;; Writes "hello, " and the name at 64, logs it, and returns it.
    (func (export "greet") (param $ptr i32) (param $len i32) (result i32)
      (memory.copy (i32.const 64) (i32.const 16) (i32.const 7))
      (memory.copy (i32.const 71) (local.get $ptr) (local.get $len))
      (i32.store (i32.const 0) (i32.const 64))
      (i32.store (i32.const 4) (i32.add (local.get $len) (i32.const 7)))
      (call $line (i32.const 64) (i32.load (i32.const 4)))
      (i32.const 0))
    (func (export "trap") (unreachable)))
  (core instance $m (instantiate $M (with "" (instance
    (export "memory" (memory $mem)) (export "line" (func $line))))))
  (func $greet (param "name" string) (result string)
    (canon lift (core func $m "greet") (memory $mem) (realloc $realloc)))
  (instance $greeter (export "greet" (func $greet)))
  (export "t:greet/greeter@1.2.0" (instance $greeter))
  (func (export "trap") (canon lift (core func $m "trap")))
)
