;; The cheapest calls there are, for measuring what the component layer adds: the
;; benchmarks run the core module on the core runtime too.
(component
  (import "nop" (func $nop))
  (import "add" (func $add (param "a" u32) (param "b" u32) (result u32)))
  (core func $nop' (canon lower (func $nop)))
  (core func $add' (canon lower (func $add)))
  (core module $M
    (import "host" "nop" (func $nop))
    (import "host" "add" (func $add (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "empty"))
    (func (export "sum") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "call-nop") (param $n i32)
      (loop $l
        (call $nop)
        (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
    (func (export "call-add") (param $n i32) (result i32)
      (local $s i32)
      (loop $l
        (local.set $s (call $add (local.get $s) (local.get $n)))
        (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (local.get $s))
    ;; There is room for one string.
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "echo") (param $ptr i32) (param $len i32) (result i32)
      (i32.store (i32.const 0) (local.get $ptr))
      (i32.store (i32.const 4) (local.get $len))
      (i32.const 0)))
  (core instance $m (instantiate $M (with "host" (instance
    (export "nop" (func $nop')) (export "add" (func $add'))))))
  (func (export "empty") (canon lift (core func $m "empty")))
  (func (export "sum") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $m "sum")))
  (func (export "call-nop") (param "n" u32) (canon lift (core func $m "call-nop")))
  (func (export "call-add") (param "n" u32) (result u32) (canon lift (core func $m "call-add")))
  (func (export "echo") (param "s" string) (result string)
    (canon lift (core func $m "echo") (memory (core memory $m "memory")) (realloc (core func $m "realloc"))))
)
