;; A realloc and a post-return that call out, into the component that waits for
;; them.
(component
  (import "host" (func $host (param "f" u32)))
  (core func $host' (canon lower (func $host)))
  (core module $M
    (import "" "host" (func $host (param i32)))
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (call $host (i32.const 1)) (i32.const 64))
    (func (export "post") (param i32) (call $host (i32.const 2)))
    (func (export "post-traps") (param i32) (unreachable))
    (func (export "post-loops") (param i32) (loop $l (br $l)))
    (func (export "take") (param i32 i32) (result i32) (i32.const 0))
    (func (export "give") (result i32) (i32.const 0))
    (func (export "twice") (call $host (i32.const 3)) (call $host (i32.const 4))))
  (core instance $m (instantiate $M (with "" (instance (export "host" (func $host'))))))
  (func (export "take") (param "s" string) (result u32) (canon lift (core func $m "take") (memory (core memory $m "memory")) (realloc (core func $m "realloc"))))
  (func (export "post") (result string) (canon lift (core func $m "give") (memory (core memory $m "memory")) (post-return (core func $m "post"))))
  (func (export "post-traps") (result string) (canon lift (core func $m "give") (memory (core memory $m "memory")) (post-return (core func $m "post-traps"))))
  (func (export "post-loops") (result string) (canon lift (core func $m "give") (memory (core memory $m "memory")) (post-return (core func $m "post-loops"))))
  (func (export "twice") (canon lift (core func $m "twice"))))
