;; A component with a resource, which JSON cannot have.
(component
  (core module $main
    (func (export "size") (param i32) (result i32) (i32.const 1)))
  (core instance $main (instantiate $main))
  (type $file' (resource (rep i32)))
  (export $file "file" (type $file'))
  (func $size (param "self" (borrow $file)) (result u32) (canon lift (core func $main "size")))
  (export "[method]file.size" (func $size)))
