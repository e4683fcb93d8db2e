;; A call from component to component at the bottom of a recursion.
(component
  (component $child
    (core module $M (func (export "f")))
    (core instance $m (instantiate $M))
    (func (export "f") (canon lift (core func $m "f"))))
  (instance $child (instantiate $child))
  (core func $f (canon lower (func $child "f")))
  (core module $M
    (import "" "f" (func $f))
    (func $deep (export "deep") (param $n i32) (result i32)
      (if (i32.eqz (local.get $n)) (then (call $f) (return (i32.const 0))))
      (i32.add (i32.const 1) (call $deep (i32.sub (local.get $n) (i32.const 1))))))
  (core instance $m (instantiate $M (with "" (instance (export "f" (func $f))))))
  (func (export "deep") (param "n" u32) (result u32) (canon lift (core func $m "deep"))))
