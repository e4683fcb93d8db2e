;; error: error-context is not supported
(component
  (type (list error-context))
)
