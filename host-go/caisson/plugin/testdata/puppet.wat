;; A plugin of the world caisson:plugin/tools that does what the test says. The list of its tools is a data segment of
;; 4096 bytes, which the test writes over; a list that begins with "!" is an order. The first letter of a tool's name
;; says what its call does.
(component
  (type $levels (enum "debug" "info" "notice" "warning" "error" "critical" "alert" "emergency"))
  (import "caisson:plugin/host@0.1.0" (instance $host
    (export "report-progress" (func (param "progress" f64) (param "total" (option f64)) (param "message" (option string))))
    (alias outer 1 $levels (type $l))
    (export "log-level" (type $level (eq $l)))
    (export "log" (func (param "level" $level) (param "logger" (option string)) (param "data" string)))))

  (core module $memory
    (memory (export "memory") 17)
    (global $free (mut i32) (i32.const 65536))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
      (global.set $free (i32.add (local.get $at) (local.get 3)))
      (block $enough
        (br_if $enough (i32.le_u (global.get $free) (i32.mul (memory.size) (i32.const 65536))))
        (drop (memory.grow (i32.add (i32.const 1) (i32.div_u (local.get 3) (i32.const 65536))))))
      (local.get $at)))
  (core instance $memory (instantiate $memory))
  (core func $progress (canon lower (func $host "report-progress") (memory $memory "memory")))
  (core func $log (canon lower (func $host "log") (memory $memory "memory")))

  (core module $main
    (import "memory" "memory" (memory 1))
    (import "host" "progress" (func $progress (param f64 i32 f64 i32 i32 i32)))
    (import "host" "log" (func $log (param i32 i32 i32 i32 i32 i32)))
    (global $count (mut i32) (i32.const 0))
    (data (i32.const 4096) "[LIST                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                           ")
    (data (i32.const 256) "{\"content\":[{\"type\":\"text\",\"text\":\"0\"}]}")
    (data (i32.const 512) "half done")
    (data (i32.const 544) "part")
    (data (i32.const 560) "{\"a\":[1]}")
    (data (i32.const 576) "not JSON")

    (func $loop (loop $l (br $l)))
    (func $deeper (param i32) (result i32) (i32.add (call $deeper (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
    (func $eat (loop $l (br_if $l (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) (unreachable))

    ;; The result at 16: an ok with a text.
    (func $ok (param $at i32) (param $size i32) (result i32)
      (i32.store8 (i32.const 16) (i32.const 0))
      (i32.store (i32.const 20) (local.get $at))
      (i32.store (i32.const 24) (local.get $size))
      (i32.const 16))
    ;; An error of call-tool, with the text "half done".
    (func $error (param $case i32) (result i32)
      (i32.store8 (i32.const 16) (i32.const 1))
      (i32.store8 (i32.const 20) (local.get $case))
      (i32.store (i32.const 24) (i32.const 512))
      (i32.store (i32.const 28) (i32.const 9))
      (i32.const 16))
    ;; A list of a million tools "{}".
    (func $million (result i32)
      (local $i i32) (local $at i32)
      (drop (memory.grow (i32.const 64)))
      (local.set $at (i32.const 1114112))
      (i32.store8 (local.get $at) (i32.const 91))
      (loop $l
        (i32.store (i32.add (i32.add (local.get $at) (i32.const 1)) (i32.mul (local.get $i) (i32.const 3))) (i32.const 0x2c7d7b))
        (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000000))))
      (i32.store8 (i32.add (local.get $at) (i32.const 3000000)) (i32.const 93))
      (call $ok (local.get $at) (i32.const 3000001)))
    (func $huge (result i32)
      (drop (memory.grow (i32.const 1000)))
      (call $ok (i32.const 65536) (i32.const 60000000)))

    (func (export "list-tools") (result i32)
      (local $order i32)
      (if (i32.ne (i32.load8_u (i32.const 4096)) (i32.const 33)) (then (return (call $ok (i32.const 4096) (i32.const 4096)))))
      (local.set $order (i32.load8_u (i32.const 4097)))
      (if (i32.eq (local.get $order) (i32.const 116)) (then (unreachable))) ;; t
      (if (i32.eq (local.get $order) (i32.const 108)) (then (call $loop))) ;; l
      (if (i32.eq (local.get $order) (i32.const 109)) (then (return (call $million)))) ;; m
      (if (i32.eq (local.get $order) (i32.const 104)) (then (return (call $huge)))) ;; h
      (if (i32.eq (local.get $order) (i32.const 101)) ;; e
        (then
          (drop (call $ok (i32.const 512) (i32.const 9)))
          (i32.store8 (i32.const 16) (i32.const 1))))
      (i32.const 16))

    (func (export "call-tool") (param $name i32) (param $name-size i32) (param $arguments i32) (param $size i32) (result i32)
      (local $order i32)
      (local.set $order (i32.load8_u (local.get $name)))
      (if (i32.eq (local.get $order) (i32.const 116)) (then (unreachable))) ;; t
      (if (i32.eq (local.get $order) (i32.const 108)) (then (call $loop))) ;; l
      (if (i32.eq (local.get $order) (i32.const 114)) (then (drop (call $deeper (i32.const 0))))) ;; r
      (if (i32.eq (local.get $order) (i32.const 109)) (then (call $eat))) ;; m
      (if (i32.eq (local.get $order) (i32.const 104)) (then (return (call $huge)))) ;; h
      (if (i32.eq (local.get $order) (i32.const 117)) (then (return (call $error (i32.const 0))))) ;; u
      (if (i32.eq (local.get $order) (i32.const 105)) (then (return (call $error (i32.const 1))))) ;; i
      (if (i32.eq (local.get $order) (i32.const 102)) (then (return (call $error (i32.const 2))))) ;; f
      (if (i32.eq (local.get $order) (i32.const 99)) ;; c: how many calls the instance has had
        (then
          (global.set $count (i32.add (global.get $count) (i32.const 1)))
          (i32.store8 (i32.const 291) (i32.add (i32.const 48) (global.get $count)))
          (return (call $ok (i32.const 256) (i32.const 40)))))
      (if (i32.eq (local.get $order) (i32.const 112)) ;; p: progress and logs
        (then
          (call $progress (f64.const 1) (i32.const 1) (f64.const 2) (i32.const 1) (i32.const 512) (i32.const 9))
          (call $log (i32.const 3) (i32.const 1) (i32.const 544) (i32.const 4) (i32.const 560) (i32.const 9))
          (call $log (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 576) (i32.const 8))
          (call $progress (f64.const nan) (i32.const 0) (f64.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
          (call $progress (f64.const 2) (i32.const 0) (f64.const 0) (i32.const 0) (i32.const 0) (i32.const 0))))
      (if (i32.eq (local.get $order) (i32.const 115)) ;; s: log messages and progress without end
        (then
          (loop $l
            (call $log (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 560) (i32.const 9))
            (call $progress (f64.const 1) (i32.const 0) (f64.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
            (br $l))))
      (call $ok (local.get $arguments) (local.get $size))))
  (core instance $main (instantiate $main
    (with "memory" (instance $memory))
    (with "host" (instance (export "progress" (func $progress)) (export "log" (func $log))))))

  (type $error (variant (case "unknown-tool") (case "invalid-arguments" string) (case "failed" string)))
  (func $list (result (result string (error string)))
    (canon lift (core func $main "list-tools") (memory $memory "memory")))
  (func $call (param "name" string) (param "arguments" string) (result (result string (error $error)))
    (canon lift (core func $main "call-tool") (memory $memory "memory") (realloc (func $memory "realloc"))))
  (component $exports
    (type $given (variant (case "unknown-tool") (case "invalid-arguments" string) (case "failed" string)))
    (import "error" (type $error (eq $given)))
    (import "list" (func $list (result (result string (error string)))))
    (import "call" (func $call (param "name" string) (param "arguments" string) (result (result string (error $error)))))
    (export $exported "error" (type $given))
    (export "list-tools" (func $list))
    (export "call-tool" (func $call) (func (param "name" string) (param "arguments" string) (result (result string (error $exported))))))
  (instance $exports (instantiate $exports (with "error" (type $error)) (with "list" (func $list)) (with "call" (func $call))))
  (export "caisson:plugin/provider@0.1.0" (instance $exports)))
