;; A start function that runs and leaves its mark.
(component
  (core module $M
    (memory 1)
    (data (i32.const 8) "\2a")
    (global $g (mut i32) (i32.const 1))
    (func $start (global.set $g (i32.load (i32.const 8))))
    (start $start)
    (func (export "get") (result i32) (global.get $g)))
  (core instance $m (instantiate $M))
  (func (export "get") (result u32) (canon lift (core func $m "get")))
)
