;; Exports what it imports, as it is.
(component
  (import "t:io/files" (instance $files
    (export "file" (type $file (sub resource)))
    (export "open" (func (param "name" string) (result (own $file))))
    (export "[method]file.read" (func (param "self" (borrow $file)) (param "n" u32) (result (list string))))
    (export "close" (func (param "f" (own $file))))))
  (import "log" (func $log (param "line" string)))
  (import "add" (func $add (param "a" u32) (param "b" u32) (result u32)))
  (export "t:io/again" (instance $files))
  (export "log-again" (func $log))
  (export "add-again" (func $add)))
