;; Two modules with a page and a half of the limit each, sharing nothing.
(component
  (core module $M (memory 2))
  (core instance (instantiate $M))
  (core instance (instantiate $M))
)
