;; error: stream types are not supported
(component
  (type (stream u8))
)
