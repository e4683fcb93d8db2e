;; A component that imports the plugin's host interface with another type.
(component
  (import "caisson:plugin/host@0.1.0" (instance $host (export "report-progress" (func (param "progress" string)))))
  (core module $memory (memory (export "memory") 1))
  (core instance $memory (instantiate $memory))
  (core func $progress (canon lower (func $host "report-progress") (memory $memory "memory")))
  (core module $main (import "host" "progress" (func $progress (param i32 i32))) (func (export "f") (call $progress (i32.const 0) (i32.const 0))))
  (core instance $main (instantiate $main (with "host" (instance (export "progress" (func $progress))))))
  (func $f (canon lift (core func $main "f")))
  (export "f" (func $f)))
