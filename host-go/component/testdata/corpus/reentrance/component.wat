;; A component that its own child calls back while it is in a call: it may not be
;; entered again.
(component
  (core module $Slot
    (table (export "t") 1 funcref)
    (func (export "call") (param i32) (result i32) (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0))))
  (component $Child
    (import "f" (func $f (param "v" u32) (result u32)))
    (core func $f' (canon lower (func $f)))
    (core module $M
      (import "" "f" (func $f (param i32) (result i32)))
      (func (export "g") (param i32) (result i32) (i32.add (i32.const 100) (call $f (local.get 0)))))
    (core instance $m (instantiate $M (with "" (instance (export "f" (func $f'))))))
    (func (export "g") (param "v" u32) (result u32) (canon lift (core func $m "g"))))
  (core instance $slot (instantiate $Slot))
  (core module $Mine
    (func (export "plain") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))
  (core instance $mine (instantiate $Mine))
  (func $plain (param "v" u32) (result u32) (canon lift (core func $mine "plain")))
  (instance $child (instantiate $Child (with "f" (func $plain))))
  (core func $g (canon lower (func $child "g")))
  (core module $M
    (import "" "g" (func $g (param i32) (result i32)))
    (func (export "through") (param i32) (result i32) (call $g (local.get 0))))
  (core instance $m (instantiate $M (with "" (instance (export "g" (func $g))))))
  (func (export "through") (param "v" u32) (result u32) (canon lift (core func $m "through")))
  (export "plain" (func $plain))
  (export "child" (instance $child))
)
