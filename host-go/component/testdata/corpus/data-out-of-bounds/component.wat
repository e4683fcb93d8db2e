;; A data segment beyond the memory: there is no instance.
(component
  (core module $M
    (memory 1)
    (data (i32.const 65535) "ab")
    (func (export "get") (result i32) (i32.const 1)))
  (core instance $m (instantiate $M))
  (func (export "get") (result u32) (canon lift (core func $m "get")))
)
