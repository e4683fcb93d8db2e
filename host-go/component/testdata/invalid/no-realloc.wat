;; error: canonical option `realloc` is required
(component
  (import "f" (func $f (result string))) (core module $M (memory (export "m") 1)) (core instance $m (instantiate $M)) (core func (canon lower (func $f) (memory (core memory $m "m"))))
)
