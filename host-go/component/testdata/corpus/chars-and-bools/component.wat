;; Chars and bools lifted from any core value: what is no char traps, what is not
;; 0 is true.
(component
  (core module $Libc
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 1024))
    ;; A bump allocator: the memory grows as it has to, post-return starts anew.
    (func (export "realloc") (param $old i32) (param $had i32) (param $align i32) (param $size i32) (result i32)
      (local $ptr i32)
      (local.set $ptr (i32.and
        (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
      (global.set $next (i32.add (local.get $ptr) (local.get $size)))
      (block $fits
        (br_if $fits (i32.le_u (i32.add (global.get $next) (i32.const 1024)) (i32.shl (memory.size) (i32.const 16))))
        (br_if $fits (i32.ne (i32.const -1) (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get $size) (i32.const 16))))))
        (unreachable))
      (memory.copy (local.get $ptr) (local.get $old)
        (select (local.get $had) (local.get $size) (i32.lt_u (local.get $had) (local.get $size))))
      (local.get $ptr))
    (func (export "free") (param i32) (global.set $next (i32.const 1024))))
  (core instance $libc (instantiate $Libc))
  (alias core export $libc "memory" (core memory $mem))
  (alias core export $libc "realloc" (core func $realloc))
  (alias core export $libc "free" (core func $free))
  (core module $M
    (import "libc" "memory" (memory 1))
    ;; Returns the list or string that it is given.
    (func (export "echo") (param i32 i32) (result i32)
      (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16)))
  (core instance $m (instantiate $M (with "libc" (instance $libc))))
  (alias core export $m "echo" (core func $echo))
  (core module $C (func (export "i32") (param i32) (result i32) (local.get 0)))
  (core instance $c (instantiate $C))
  (func (export "as-char") (param "v" u32) (result char) (canon lift (core func $c "i32")))
  (func (export "from-char") (param "v" char) (result u32) (canon lift (core func $c "i32")))
  (func (export "echo-char") (param "v" char) (result char) (canon lift (core func $c "i32")))
  (func (export "as-bool") (param "v" u32) (result bool) (canon lift (core func $c "i32")))
  (func (export "from-bool") (param "v" bool) (result u32) (canon lift (core func $c "i32")))
  (func (export "chars-of") (param "v" (list u32)) (result (list char)) (canon lift (core func $echo) (memory $mem) (realloc $realloc) (post-return $free)))
  (func (export "bools-of") (param "v" (list u8)) (result (list bool)) (canon lift (core func $echo) (memory $mem) (realloc $realloc) (post-return $free)))
)
