;; error: core module
(component
  (core module (func i32.add))
)
