;; error: canonical option `memory` is required
(component
  (import "f" (func $f (param "x" string))) (core func (canon lower (func $f)))
)
