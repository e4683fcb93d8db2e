;; A component whose start function never ends.
(component
  (core module $main
    (func $start (loop $l (br $l)))
    (start $start)
    (func (export "f")))
  (core instance $main (instantiate $main))
  (func $f (canon lift (core func $main "f")))
  (export "f" (func $f)))
