;; Exports in interfaces: one in two versions that do not fit each other, one of
;; another package, and functions of the world beside them.
(component
  (core module $M
    (func (export "one") (result i32) (i32.const 1))
    (func (export "two") (result i32) (i32.const 2))
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))
  (core instance $m (instantiate $M))
  (func $one (result u32) (canon lift (core func $m "one")))
  (func $two (result u32) (canon lift (core func $m "two")))
  (func $add (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $m "add")))
  (instance $v1 (export "number" (func $one)))
  (instance $v2 (export "number" (func $two)) (export "add" (func $add)))
  (export "corpus:numbers/all@1.0.0" (instance $v1))
  (export "corpus:numbers/all@2.1.0" (instance $v2))
  (export "corpus:other/all@0.1.0" (instance $v2))
  (export "plain" (instance $v1))
  (export "number" (func $two))
  (export "add" (func $add))
)
