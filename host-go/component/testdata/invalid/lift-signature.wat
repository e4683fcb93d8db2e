;; error: do not match core function: expected [i32] -> [], found [i64] -> []
(component
  (core module $M (func (export "f") (param i64))) (core instance $m (instantiate $M)) (func (param "x" u32) (canon lift (core func $m "f")))
)
