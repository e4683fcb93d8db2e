;; error: expected func type [i32] -> [], found [] -> []
(component
  (core module $A (func (export "f"))) (core module $B (import "a" "f" (func (param i32)))) (core instance $a (instantiate $A)) (core instance (instantiate $B (with "a" (instance $a))))
)
