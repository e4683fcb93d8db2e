;; A component that exports an interface of the plugin's name, with other functions.
(component
  (core module $main (func (export "f")))
  (core instance $main (instantiate $main))
  (func $f (canon lift (core func $main "f")))
  (instance $i (export "list-tools" (func $f)))
  (export "caisson:plugin/provider@0.1.0" (instance $i)))
