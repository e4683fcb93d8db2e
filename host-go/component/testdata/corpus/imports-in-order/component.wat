;; Calls of imports: in order, with results that differ from call to call; and one
;; that fails, after which the instance is dead.
(component
  (import "next" (func $next (result u32)))
  (import "tell" (func $tell (param "n" u32)))
  (import "fail" (func $fail (param "n" u32) (result u32)))
  (core func $next' (canon lower (func $next)))
  (core func $tell' (canon lower (func $tell)))
  (core func $fail' (canon lower (func $fail)))
  (core module $M
    (import "" "next" (func $next (result i32)))
    (import "" "tell" (func $tell (param i32)))
    (import "" "fail" (func $fail (param i32) (result i32)))
    (global $calls (mut i32) (i32.const 0))
    ;; The sum of n results of next, each told.
    (func (export "sum") (param $n i32) (result i32)
      (local $v i32) (local $sum i32)
      (block $done (loop $again
        (br_if $done (i32.eqz (local.get $n)))
        (local.set $v (call $next))
        (call $tell (local.get $v))
        (local.set $sum (i32.add (local.get $sum) (local.get $v)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $again)))
      (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
      (local.get $sum))
    (func (export "calls") (result i32) (global.get $calls))
    (func (export "fail") (param i32) (result i32)
      (call $tell (i32.const 1))
      (call $tell (call $fail (local.get 0)))
      (i32.const 0)))
  (core instance $m (instantiate $M (with "" (instance
    (export "next" (func $next')) (export "tell" (func $tell')) (export "fail" (func $fail'))))))
  (func (export "sum") (param "n" u32) (result u32) (canon lift (core func $m "sum")))
  (func (export "calls") (result u32) (canon lift (core func $m "calls")))
  (func (export "fail") (param "n" u32) (result u32) (canon lift (core func $m "fail")))
)
