;; Results that are longer than they are, lie where nothing is, or are not what
;; their encoding says.
(component
  (core module $M
    (memory (export "memory") 16)
    (data (i32.const 8) "\00\00\00\00\00\00\00\80")   ;; at 0, 2^31 long
    (data (i32.const 16) "\00\00\00\00\ff\ff\ff\ff")  ;; at 0, 2^32 - 1 long
    (data (i32.const 24) "\fc\ff\ff\ff\08\00\00\00")  ;; at the end of 4 GiB
    (data (i32.const 32) "\01\00\00\00\08\00\00\00")  ;; at an odd place
    (data (i32.const 40) "\80\00\00\00\02\00\00\00\00\d8\ff\fe") ;; at 128
    (data (i32.const 64) "\40\00\00\00\00\00\01\00")  ;; at itself
    (data (i32.const 128) "\00\d8\00\00\c3\28\ff\fe")
    (data (i32.const 256) "\00\01\00\00\00\00\02\00") ;; a list of itself: 2^17 lists at 256
    (func (export "p8") (result i32) (i32.const 8))
    (func (export "p16") (result i32) (i32.const 16))
    (func (export "p24") (result i32) (i32.const 24))
    (func (export "p32") (result i32) (i32.const 32))
    (func (export "p40") (result i32) (i32.const 40))
    (func (export "p64") (result i32) (i32.const 64))
    (func (export "p256") (result i32) (i32.const 256))
    (func (export "far") (result i32) (i32.const -8)))
  (core instance $m (instantiate $M))
  (alias core export $m "memory" (core memory $mem))
  (type $lists (list (list (list (list (list (list string)))))))
  (type $wide (list u8 50000000))
  (func (export "string-2-31") (result string) (canon lift (core func $m "p8") (memory $mem)))
  (func (export "string-2-32") (result string) (canon lift (core func $m "p16") (memory $mem)))
  (func (export "utf16-2-31") (result string) (canon lift (core func $m "p8") string-encoding=utf16 (memory $mem)))
  (func (export "latin-2-31") (result string) (canon lift (core func $m "p8") string-encoding=latin1+utf16 (memory $mem)))
  (func (export "list-2-31") (result (list u64)) (canon lift (core func $m "p8") (memory $mem)))
  (func (export "list-2-32") (result (list (tuple u8 u64))) (canon lift (core func $m "p16") (memory $mem)))
  (func (export "string-at-end") (result string) (canon lift (core func $m "p24") (memory $mem)))
  (func (export "list-at-end") (result (list u8)) (canon lift (core func $m "p24") (memory $mem)))
  (func (export "string-odd") (result string) (canon lift (core func $m "p32") string-encoding=utf16 (memory $mem)))
  (func (export "list-odd") (result (list u32)) (canon lift (core func $m "p32") (memory $mem)))
  (func (export "not-utf8") (result string) (canon lift (core func $m "p40") (memory $mem)))
  (func (export "surrogate") (result string) (canon lift (core func $m "p40") string-encoding=utf16 (memory $mem)))
  (func (export "far") (result string) (canon lift (core func $m "far") (memory $mem)))
  (func (export "itself") (result $lists) (canon lift (core func $m "p256") (memory $mem)))
  (func (export "strings") (result (list string)) (canon lift (core func $m "p64") (memory $mem)))
  (func (export "wide") (result $wide) (canon lift (core func $m "p8") (memory $mem))))
