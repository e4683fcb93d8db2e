;; An element segment beyond the table: there is no instance.
(component
  (core module $M
    (table 1 funcref)
    (elem (i32.const 1) $f)
    (func $f (export "get") (result i32) (i32.const 1)))
  (core instance $m (instantiate $M))
  (func (export "get") (result u32) (canon lift (core func $m "get")))
)
