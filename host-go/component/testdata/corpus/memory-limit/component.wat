;; A bound on memory: growing beyond it fails and the guest goes on.
(component
  (core module $M
    (memory (export "memory") 2)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "size") (result i32) (memory.size))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (if (i32.eq (i32.const -1) (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get 3) (i32.const 16))))) (then (unreachable)))
      (i32.const 65536))
    (func (export "length") (param i32 i32) (result i32) (local.get 1)))
  (core instance $m (instantiate $M))
  (func (export "grow") (param "pages" u32) (result s32) (canon lift (core func $m "grow")))
  (func (export "size") (result u32) (canon lift (core func $m "size")))
  (func (export "length") (param "v" string) (result u32)
    (canon lift (core func $m "length") (memory (core memory $m "memory")) (realloc (core func $m "realloc"))))
)
