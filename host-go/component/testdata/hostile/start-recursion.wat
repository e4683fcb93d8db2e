;; A start function that recurses with a large frame.
(component
  (core module $M
    (func $s (param i64 i64 i64 i64 i64 i64 i64 i64) (result i64)
      (i64.add (local.get 7) (call $s (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5) (local.get 6) (local.get 7))))
    (func $start (drop (call $s (i64.const 1) (i64.const 1) (i64.const 1) (i64.const 1) (i64.const 1) (i64.const 1) (i64.const 1) (i64.const 1))))
    (start $start))
  (core instance (instantiate $M)))
