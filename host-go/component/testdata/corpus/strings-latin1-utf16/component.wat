;; Strings whose guest has latin1+utf16: as they are, in lists, and lifted from bytes of
;; the caller's choosing, which have to be latin1+utf16.
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
  (core module $R
    (import "libc" "memory" (memory 1))
    ;; The string of bytes, or so many units, at an offset into the bytes.
    (func (export "raw") (param $ptr i32) (param $len i32) (param $offset i32) (param $units i32) (result i32)
      (i32.store (i32.const 16) (i32.add (local.get $ptr) (local.get $offset)))
      (i32.store (i32.const 20) (local.get $units))
      (i32.const 16))
    (func (export "at") (param $ptr i32) (param $units i32) (result i32)
      (i32.store (i32.const 16) (local.get $ptr))
      (i32.store (i32.const 20) (local.get $units))
      (i32.const 16))
    ;; How many units, tag and all.
    (func (export "units") (param i32 i32) (result i32) (local.get 1)))
  (core instance $r (instantiate $R (with "libc" (instance $libc))))
  (func (export "echo") (param "v" string) (result string)
    (canon lift (core func $echo) (memory $mem) (realloc $realloc) (post-return $free) string-encoding=latin1+utf16))
  (func (export "echo-list") (param "v" (list string)) (result (list string))
    (canon lift (core func $echo) (memory $mem) (realloc $realloc) (post-return $free) string-encoding=latin1+utf16))
  (func (export "echo-options") (param "v" (list (option string))) (result (list (option string)))
    (canon lift (core func $echo) (memory $mem) (realloc $realloc) (post-return $free) string-encoding=latin1+utf16))
  (func (export "raw") (param "bytes" (list u8)) (param "offset" u32) (param "units" u32) (result string)
    (canon lift (core func $r "raw") (memory $mem) (realloc $realloc) (post-return $free) string-encoding=latin1+utf16))
  (func (export "at") (param "ptr" u32) (param "units" u32) (result string)
    (canon lift (core func $r "at") (memory $mem) (realloc $realloc) (post-return $free) string-encoding=latin1+utf16))
  (func (export "units") (param "v" string) (result u32)
    (canon lift (core func $r "units") (memory $mem) (realloc $realloc) string-encoding=latin1+utf16))
)
