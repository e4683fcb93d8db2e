;; A chain of components: each calls the one before.
(component
  (component $First
    (core module $M (func (export "f") (result i32) (i32.const 7)))
    (core instance $m (instantiate $M))
    (func (export "f") (result u32) (canon lift (core func $m "f"))))
  (component $Next
    (import "f" (func $f (result u32)))
    (core func $f' (canon lower (func $f)))
    (core module $M
      (import "" "f" (func $f (result i32)))
      (func (export "f") (result i32) (i32.add (call $f) (i32.const 1))))
    (core instance $m (instantiate $M (with "" (instance (export "f" (func $f'))))))
    (func (export "f") (result u32) (canon lift (core func $m "f"))))
  (instance $a (instantiate $First))
  (instance $b (instantiate $Next (with "f" (func $a "f"))))
  (instance $c (instantiate $Next (with "f" (func $b "f"))))
  (instance $d (instantiate $Next (with "f" (func $c "f"))))
  (export "f" (func $d "f")))
