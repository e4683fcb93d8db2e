;; error: larger than the limit
(component
  (type (list u64 33554432))
)
