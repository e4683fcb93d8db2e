;; error: type mismatch in function parameter `x`: expected u32, found string
(component
  (import "f" (func $f (param "x" string))) (component $C (import "f" (func (param "x" u32)))) (instance (instantiate $C (with "f" (func $f))))
)
