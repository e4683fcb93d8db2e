;; Components in components: one used twice, given functions of the other, with
;; types and modules from outside.
(component
  (import "tell" (func $tell (param "v" u32)))
  (core module $Shared (func (export "triple") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3))))
  (component $Adder
    (import "tell" (func $tell (param "v" u32)))
    (import "base" (func $base (result u32)))
    (alias outer 1 $Shared (core module $Shared))
    (core instance $shared (instantiate $Shared))
    (core func $tell' (canon lower (func $tell)))
    (core func $base' (canon lower (func $base)))
    (core module $M
      (import "" "tell" (func $tell (param i32)))
      (import "" "base" (func $base (result i32)))
      (import "" "triple" (func $triple (param i32) (result i32)))
      (global $sum (mut i32) (i32.const 0))
      (func (export "add") (param i32) (result i32)
        (global.set $sum (i32.add (global.get $sum) (call $triple (local.get 0))))
        (call $tell (global.get $sum))
        (i32.add (global.get $sum) (call $base))))
    (core instance $m (instantiate $M (with "" (instance
      (export "tell" (func $tell')) (export "base" (func $base')) (export "triple" (func $shared "triple"))))))
    (func (export "add") (param "v" u32) (result u32) (canon lift (core func $m "add"))))
  (component $Const
    (core module $M (func (export "ten") (result i32) (i32.const 10)) (func (export "twenty") (result i32) (i32.const 20)))
    (core instance $m (instantiate $M))
    (func (export "ten") (result u32) (canon lift (core func $m "ten")))
    (component $Inner
      (import "f" (func $f (result u32)))
      (export "f" (func $f)))
    (func $twenty (result u32) (canon lift (core func $m "twenty")))
    (instance $inner (instantiate $Inner (with "f" (func $twenty))))
    (export "inner" (instance $inner)))
  (instance $const (instantiate $Const))
  (alias export $const "inner" (instance $inner))
  (instance $a (instantiate $Adder (with "tell" (func $tell)) (with "base" (func $const "ten"))))
  (instance $b (instantiate $Adder (with "tell" (func $tell)) (with "base" (func $inner "f"))))
  (export "a" (instance $a))
  (export "b" (instance $b))
  (export "ten" (func $const "ten"))
)
