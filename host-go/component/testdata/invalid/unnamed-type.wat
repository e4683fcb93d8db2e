;; error: refers to a type that has no name
(component
  (type $R (record (field "x" u32))) (import "f" (func (param "r" $R)))
)
