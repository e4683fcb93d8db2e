;; error: expected func, found instance
(component
  (import "f" (instance $f)) (component $C (import "f" (func))) (instance (instantiate $C (with "f" (instance $f))))
)
