;; error: canon thread.yield is not supported
(component
  (core func (canon thread.yield))
)
