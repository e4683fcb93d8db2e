;; error: future types are not supported
(component
  (type (future u8))
)
