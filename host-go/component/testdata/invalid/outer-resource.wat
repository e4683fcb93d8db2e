;; error: transitively refers to resources
(component
  (type $R (resource (rep i32))) (component (alias outer 1 0 (type)))
)
