;; A component that imports what no plugin is given.
(component
  (import "other:host/door@1.0.0" (instance $door (export "open" (func))))
  (core func $open (canon lower (func $door "open")))
  (core module $main (import "host" "open" (func $open)) (func (export "f") (call $open)))
  (core instance $main (instantiate $main (with "host" (instance (export "open" (func $open))))))
  (func $f (canon lift (core func $main "f")))
  (export "f" (func $f)))
