;; A child that calls its parent, while the parent is in a call of the child; and a
;; child that is called again so, which may not be entered twice.
(component
  (core module $Slot
    (table (export "t") 1 funcref)
    (func (export "call") (param i32) (result i32) (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0)))
    (func (export "plus") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))
  (core instance $slot (instantiate $Slot))
  (func $plus (param "v" u32) (result u32) (canon lift (core func $slot "plus")))
  (func $again (param "v" u32) (result u32) (canon lift (core func $slot "call")))
  (component $Child
    (import "plus" (func $plus (param "v" u32) (result u32)))
    (import "again" (func $again (param "v" u32) (result u32)))
    (core func $plus' (canon lower (func $plus)))
    (core func $again' (canon lower (func $again)))
    (core module $M
      (import "" "plus" (func $plus (param i32) (result i32)))
      (import "" "again" (func $again (param i32) (result i32)))
      (func (export "once") (param i32) (result i32) (i32.add (i32.const 100) (call $plus (local.get 0))))
      ;; Through the parent to itself, so many times.
      (func (export "deep") (param i32) (result i32)
        (if (result i32) (local.get 0)
          (then (i32.add (i32.const 1) (call $again (i32.sub (local.get 0) (i32.const 1)))))
          (else (i32.const 0)))))
    (core instance $m (instantiate $M (with "" (instance (export "plus" (func $plus')) (export "again" (func $again'))))))
    (func (export "once") (param "v" u32) (result u32) (canon lift (core func $m "once")))
    (func (export "deep") (param "v" u32) (result u32) (canon lift (core func $m "deep"))))
  (instance $child (instantiate $Child (with "plus" (func $plus)) (with "again" (func $again))))
  (core func $once (canon lower (func $child "once")))
  (core func $deep (canon lower (func $child "deep")))
  (core module $M
    (import "s" "t" (table 1 funcref))
    (import "c" "once" (func $once (param i32) (result i32)))
    (import "c" "deep" (func $deep (param i32) (result i32)))
    (elem (i32.const 0) $deep)
    (func (export "through") (param i32) (result i32) (call $once (local.get 0)))
    (func (export "deep") (param i32) (result i32) (call $deep (local.get 0))))
  (core instance $m (instantiate $M (with "s" (instance $slot)) (with "c" (instance (export "once" (func $once)) (export "deep" (func $deep))))))
  (func (export "through") (param "v" u32) (result u32) (canon lift (core func $m "through")))
  (func (export "deep") (param "v" u32) (result u32) (canon lift (core func $m "deep")))
  (export "plus" (func $plus))
  (export "child" (instance $child))
)
