;; error: conflicts with previous name
(component
  (import "a" (func)) (import "A" (func))
)
