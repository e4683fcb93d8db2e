;; Lists of lists, of strings, of bytes; and lists at addresses of the caller's
;; choosing.
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
  (func (export "echo-bytes") (param "v" (list u8)) (result (list u8))
    (canon lift (core func $echo) (memory $mem) (realloc $realloc) (post-return $free)))
  (func (export "echo-lists") (param "v" (list (list u32))) (result (list (list u32)))
    (canon lift (core func $echo) (memory $mem) (realloc $realloc) (post-return $free)))
  (func (export "echo-lists-of-lists") (param "v" (list (list (list s16)))) (result (list (list (list s16))))
    (canon lift (core func $echo) (memory $mem) (realloc $realloc) (post-return $free)))
  (func (export "echo-lists-of-strings") (param "v" (list (list string))) (result (list (list string)))
    (canon lift (core func $echo) (memory $mem) (realloc $realloc) (post-return $free)))
  (func (export "echo-lists-of-bytes") (param "v" (list (list u8))) (result (list (list u8)))
    (canon lift (core func $echo) (memory $mem) (realloc $realloc) (post-return $free)))
  (func (export "bytes-at") (param "ptr" u32) (param "len" u32) (result (list u8)) (canon lift (core func $echo) (memory $mem)))
  (func (export "u16s-at") (param "ptr" u32) (param "len" u32) (result (list u16)) (canon lift (core func $echo) (memory $mem)))
  (func (export "u64s-at") (param "ptr" u32) (param "len" u32) (result (list u64)) (canon lift (core func $echo) (memory $mem)))
  (func (export "strings-at") (param "ptr" u32) (param "len" u32) (result (list string)) (canon lift (core func $echo) (memory $mem)))
  (func (export "tuples-at") (param "ptr" u32) (param "len" u32) (result (list (tuple u8 u32))) (canon lift (core func $echo) (memory $mem)))
)
