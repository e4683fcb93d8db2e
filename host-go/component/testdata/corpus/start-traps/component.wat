;; A start function that traps: there is no instance.
(component
  (core module $M
    (func $start (unreachable))
    (start $start)
    (func (export "get") (result i32) (i32.const 1)))
  (core instance $m (instantiate $M))
  (func (export "get") (result u32) (canon lift (core func $m "get")))
)
