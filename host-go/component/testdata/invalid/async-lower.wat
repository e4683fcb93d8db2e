;; error: canonical option `async` is not supported
(component
  (import "f" (func $f)) (core module $M (memory (export "m") 1)) (core instance $m (instantiate $M)) (core func (canon lower (func $f) async (memory (core memory $m "m"))))
)
