;; A start function that loops.
(component
  (core module $M (func $s (loop $l (br $l))) (start $s))
  (core instance (instantiate $M)))
