;; Lists and strings of many elements: the guest's memory has to grow for them.
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
  (core module $N
    (import "libc" "memory" (memory 1))
    (import "libc" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    ;; n numbers, each its index.
    (func (export "count") (param $n i32) (result i32)
      (local $ptr i32) (local $i i32)
      (local.set $ptr (call $realloc (i32.const 0) (i32.const 0) (i32.const 4) (i32.shl (local.get $n) (i32.const 2))))
      (block $done (loop $next
        (br_if $done (i32.eq (local.get $i) (local.get $n)))
        (i32.store (i32.add (local.get $ptr) (i32.shl (local.get $i) (i32.const 2))) (local.get $i))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
      (i32.store (i32.const 16) (local.get $ptr)) (i32.store (i32.const 20) (local.get $n)) (i32.const 16))
    ;; The sum of the bytes.
    (func (export "sum") (param $ptr i32) (param $n i32) (result i32)
      (local $sum i32)
      (block $done (loop $next
        (br_if $done (i32.eqz (local.get $n)))
        (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $ptr))))
        (local.set $ptr (i32.add (local.get $ptr) (i32.const 1)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next)))
      (local.get $sum)))
  (core instance $n (instantiate $N (with "libc" (instance $libc))))
  (func (export "count") (param "n" u32) (result (list u32)) (canon lift (core func $n "count") (memory $mem) (post-return $free)))
  (func (export "sum") (param "v" (list u8)) (result u32) (canon lift (core func $n "sum") (memory $mem) (realloc $realloc) (post-return $free)))
  (func (export "sum-string") (param "v" string) (result u32) (canon lift (core func $n "sum") (memory $mem) (realloc $realloc) (post-return $free)))
  (core module $N2 (func (export "second") (param i32 i32 i32 i32) (result i32) (i32.add (local.get 1) (local.get 3))))
  (core instance $n2 (instantiate $N2))
  (func (export "sum-strings") (param "v" (list string)) (param "w" string) (result u32) (canon lift (core func $n2 "second") (memory $mem) (realloc $realloc) (post-return $free)))
)
