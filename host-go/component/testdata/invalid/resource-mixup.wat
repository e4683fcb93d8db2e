;; error: resource types are not the same
(component
  (import "a" (type $A (sub resource))) (import "b" (type $B (sub resource))) (import "f" (func $f (param "x" (own $B)))) (component $C (import "t" (type $T (sub resource))) (import "f" (func (param "x" (own $T))))) (instance (instantiate $C (with "t" (type $A)) (with "f" (func $f))))
)
