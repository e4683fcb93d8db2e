;; Takes the output streams of WASI for its pollables: it is not linked.
(component
  (import "wasi:io/poll@0.2.0" (instance $poll (export "pollable" (type (sub resource)))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:io/streams@0.2.0" (instance
    (alias outer 1 $pollable (type $p)) (export "output-stream" (type $out (eq $p)))
    (export "[method]output-stream.flush" (func (param "self" (borrow $out)) (result u32))))))
