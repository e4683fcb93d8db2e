;; A resource of one interface that another one uses.
(component
  (import "t:io/streams" (instance $streams (export "stream" (type (sub resource)))))
  (alias export $streams "stream" (type $stream))
  (import "t:io/files" (instance $files
    (alias outer 1 $stream (type $s))
    (export "stream" (type $here (eq $s)))
    (export "open" (func (result (own $here))))))
  (core func $open (canon lower (func $files "open")))
  (core module $M (import "" "open" (func $open (result i32))) (func (export "f") (result i32) (call $open)))
  (core instance $m (instantiate $M (with "" (instance (export "open" (func $open))))))
  (func (export "f") (result (own $stream)) (canon lift (core func $m "f"))))
