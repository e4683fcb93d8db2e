;; error: async function types are not supported
(component
  (type (func async))
)
