;; A list of 65,536 strings, all of them the same 64 KiB.
(component
  (core module $M
    (memory (export "memory") 10)
    (func (export "strings") (result i32)
      (local $i i32)
      (loop $l
        (i32.store offset=65536 (i32.shl (local.get $i) (i32.const 3)) (i32.const 0))
        (i32.store offset=65540 (i32.shl (local.get $i) (i32.const 3)) (i32.const 65536))
        (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 65536))))
      (i32.store (i32.const 0) (i32.const 65536))
      (i32.store (i32.const 4) (i32.const 65536))
      (i32.const 0)))
  (core instance $m (instantiate $M))
  (func (export "strings") (result (list string)) (canon lift (core func $m "strings") (memory (core memory $m "memory"))))
)
