;; error: not a resource defined by this component
(component
  (import "t" (type $T (sub resource))) (core func (canon resource.rep $T))
)
