;; error: should have a first argument called `self`
(component
  (import "t" (type $T (sub resource))) (import "[method]t.m" (func (param "x" (borrow $T))))
)
