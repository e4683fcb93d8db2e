;; Two functions that would be one tool: the version is not a part of its name.
(component
  (core module $main (func (export "f")))
  (core instance $main (instantiate $main))
  (func $f (canon lift (core func $main "f")))
  (instance $i (export "f" (func $f)))
  (export "a:b/c@1.0.0" (instance $i))
  (export "a:b/c@2.0.0" (instance $i)))
