;; A core that is taken over: it does to the host what its script says.
;;
;; scripts/build-hostile.mjs makes build/hostile.wasm of it, a component of the world `core`, for
;; hostile_test.go, which has the same numbers and writes the scripts.
;;
;; A script is a line of texts and a line of words, decimal numbers with a space behind each. A word
;; may also be `i`, which stands for the turn of the loop, or `c`, for the call that is begun.
;;
;;   0              the end
;;   1 N ... 2      does what is between them N times; loops may lie in one another
;;   3 F ARGUMENTS  calls an import, with its arguments as they are in core WebAssembly
;;   4              traps
;;   5              computes for ever
;;   6 N            has N more pages of memory
;;   7              settles the call that is begun
;;   8 E            ends what is before; what follows is done in the export E
;;
;; The first script is the text of the capabilities in `connect`. What is in it before the first 8 is
;; done there; an export that has no part in it settles its call. `request` does the script that its
;; params are, when there is no part for it.
(module
  (import "caisson:mcp/egress@0.1.0" "http-start" (func $f0 (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "caisson:mcp/egress@0.1.0" "http-prepare" (func $f1 (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "caisson:mcp/egress@0.1.0" "http-post" (func $f2 (param i32 i32 i32 i32)))
  (import "caisson:mcp/egress@0.1.0" "http-abort" (func $f3 (param i32)))
  (import "caisson:mcp/egress@0.1.0" "pipe-open" (func $f4 (param i32 i32)))
  (import "caisson:mcp/egress@0.1.0" "pipe-write" (func $f5 (param i32 i32 i32)))
  (import "caisson:mcp/egress@0.1.0" "pipe-close" (func $f6 (param i32)))
  (import "caisson:mcp/timers@0.1.0" "set" (func $f7 (param i32 i32)))
  (import "caisson:mcp/timers@0.1.0" "clear" (func $f8 (param i32)))
  (import "caisson:mcp/host@0.1.0" "settle" (func $f9 (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "caisson:mcp/host@0.1.0" "notify" (func $f10 (param i32 i32 i32 i32 i32 i32)))
  (import "caisson:mcp/host@0.1.0" "ask" (func $f11 (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "caisson:mcp/host@0.1.0" "retract" (func $f12 (param i32)))
  (import "caisson:mcp/host@0.1.0" "listening" (func $f13 (param i32 i32 i32)))
  (import "caisson:mcp/host@0.1.0" "task-state" (func $f14 (param i32 i32 i32)))
  (import "caisson:mcp/host@0.1.0" "renewed" (func $f15 (param i32 i32 i32)))
  (import "caisson:mcp/host@0.1.0" "closed" (func $f16 (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "caisson:mcp/host@0.1.0" "log" (func $f17 (param i32 i32 i32 i32)))
  (import "caisson:mcp/authorization@0.1.0" "begin" (func $f18 (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "caisson:mcp/authorization@0.1.0" "end" (func $f19 (param i32)))
  (import "caisson:mcp/authorization@0.1.0" "request" (func $f20 (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "caisson:mcp/authorization@0.1.0" "ask" (func $f21 (param i32 i32 i32)))
  (import "caisson:mcp/authorization@0.1.0" "forget" (func $f22 (param i32 i32)))
  (import "caisson:mcp/script-host@0.1.0" "call-tool" (func $f23 (param i32 i32 i32 i32 i32 i32 i32)))
  (import "caisson:mcp/script-host@0.1.0" "log" (func $f24 (param i32 i32 i32)))
  (import "caisson:mcp/script-host@0.1.0" "settle" (func $f25 (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))

  ;; 0x400 what connect settles with    0x8000 arguments      0x9000 loops
  ;; 0x80000 the first script           0x100000 its words
  ;; 0x90000 the one of a request       0x200000 its words    0x300000 what the host passes in
  (memory (export "memory") 64)
  (data (i32.const 0x400) "{\"protocolVersion\":\"2025-11-25\",\"serverInfo\":{\"name\":\"hostile\",\"version\":\"1\"},\"capabilities\":{},\"transport\":\"stdio\"}")
  (global $introduction i32 (i32.const 116))
  (global $free (mut i32) (i32.const 0x300000))
  (global $turn (mut i32) (i32.const 0))
  (global $call (mut i32) (i32.const 0))

  (func (export "cabi_realloc") (param $old i32) (param $size i32) (param $align i32) (param $new i32) (result i32)
    (local $at i32) (local $pages i32)
    (local.set $at (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
    (global.set $free (i32.add (local.get $at) (local.get $new)))
    (local.set $pages (i32.sub (i32.add (i32.shr_u (global.get $free) (i32.const 16)) (i32.const 1)) (memory.size)))
    (if (i32.gt_s (local.get $pages) (i32.const 0))
      (then (if (i32.lt_s (memory.grow (local.get $pages)) (i32.const 0)) (then (unreachable)))))
    (memory.copy (local.get $at) (local.get $old) (local.get $size))
    (local.get $at))

  ;; Copies a script to $to and reads its words to $words, two for each: how it is meant, and its value.
  (func $read (param $from i32) (param $length i32) (param $to i32) (param $words i32)
    (local $end i32) (local $byte i32)
    (memory.copy (local.get $to) (local.get $from) (local.get $length))
    (local.set $end (i32.add (local.get $to) (local.get $length)))
    ;; The line of texts.
    (block $found
      (loop $next
        (br_if $found (i32.ge_u (local.get $to) (local.get $end)))
        (local.set $byte (i32.load8_u (local.get $to)))
        (local.set $to (i32.add (local.get $to) (i32.const 1)))
        (br_if $next (i32.ne (local.get $byte) (i32.const 10)))))
    (i64.store (local.get $words) (i64.const 0))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $to) (local.get $end)))
        (local.set $byte (i32.load8_u (local.get $to)))
        (local.set $to (i32.add (local.get $to) (i32.const 1)))
        (if (i32.eq (local.get $byte) (i32.const 32)) ;; a space
          (then
            (local.set $words (i32.add (local.get $words) (i32.const 8)))
            (i64.store (local.get $words) (i64.const 0))
            (br $next)))
        (if (i32.eq (local.get $byte) (i32.const 105)) ;; i
          (then (i32.store (local.get $words) (i32.const 1)) (br $next)))
        (if (i32.eq (local.get $byte) (i32.const 99)) ;; c
          (then (i32.store (local.get $words) (i32.const 2)) (br $next)))
        (i32.store offset=4 (local.get $words)
          (i32.add (i32.mul (i32.load offset=4 (local.get $words)) (i32.const 10)) (i32.sub (local.get $byte) (i32.const 48))))
        (br $next)))
    ;; The end, and a part for no export.
    (i64.store (local.get $words) (i64.const 0))
    (i32.store offset=12 (local.get $words) (i32.const 8))
    (i32.store offset=20 (local.get $words) (i32.const 99)))

  (func $value (param $word i32) (result i32)
    (if (i32.eq (i32.load (local.get $word)) (i32.const 1)) (then (return (global.get $turn))))
    (if (i32.eq (i32.load (local.get $word)) (i32.const 2)) (then (return (global.get $call))))
    (i32.load offset=4 (local.get $word)))

  (func $settle
    (call $f9 (global.get $call) (i32.const 0) (i32.const 0x400) (global.get $introduction)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))

  ;; How many arguments an import takes.
  (data (i32.const 0x7000) "\0b\0b\04\01\02\03\01\02\01\0d\06\0b\01\03\03\03\0c\04\08\01\0c\03\02\07\03\0b")

  (func $import (param $which i32) (param $words i32) (result i32)
    (local $n i32) (local $k i32)
    (local.set $n (i32.load8_u (i32.add (i32.const 0x7000) (local.get $which))))
    (loop $next
      (i32.store (i32.add (i32.const 0x8000) (i32.shl (local.get $k) (i32.const 2))) (call $value (local.get $words)))
      (local.set $words (i32.add (local.get $words) (i32.const 8)))
      (local.set $k (i32.add (local.get $k) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $k) (local.get $n))))
    (block $done
    (block $b25
    (block $b24
    (block $b23
    (block $b22
    (block $b21
    (block $b20
    (block $b19
    (block $b18
    (block $b17
    (block $b16
    (block $b15
    (block $b14
    (block $b13
    (block $b12
    (block $b11
    (block $b10
    (block $b9
    (block $b8
    (block $b7
    (block $b6
    (block $b5
    (block $b4
    (block $b3
    (block $b2
    (block $b1
    (block $b0
      (br_table $b0 $b1 $b2 $b3 $b4 $b5 $b6 $b7 $b8 $b9 $b10 $b11 $b12 $b13 $b14 $b15 $b16 $b17 $b18 $b19 $b20 $b21 $b22 $b23 $b24 $b25 $done (local.get $which)))
    (call $f0 (i32.load (i32.const 32768)) (i32.load (i32.const 32772)) (i32.load (i32.const 32776)) (i32.load (i32.const 32780)) (i32.load (i32.const 32784)) (i32.load (i32.const 32788)) (i32.load (i32.const 32792)) (i32.load (i32.const 32796)) (i32.load (i32.const 32800)) (i32.load (i32.const 32804)) (i32.load (i32.const 32808))) (br $done))
    (call $f1 (i32.load (i32.const 32768)) (i32.load (i32.const 32772)) (i32.load (i32.const 32776)) (i32.load (i32.const 32780)) (i32.load (i32.const 32784)) (i32.load (i32.const 32788)) (i32.load (i32.const 32792)) (i32.load (i32.const 32796)) (i32.load (i32.const 32800)) (i32.load (i32.const 32804)) (i32.load (i32.const 32808))) (br $done))
    (call $f2 (i32.load (i32.const 32768)) (i32.load (i32.const 32772)) (i32.load (i32.const 32776)) (i32.load (i32.const 32780))) (br $done))
    (call $f3 (i32.load (i32.const 32768))) (br $done))
    (call $f4 (i32.load (i32.const 32768)) (i32.load (i32.const 32772))) (br $done))
    (call $f5 (i32.load (i32.const 32768)) (i32.load (i32.const 32772)) (i32.load (i32.const 32776))) (br $done))
    (call $f6 (i32.load (i32.const 32768))) (br $done))
    (call $f7 (i32.load (i32.const 32768)) (i32.load (i32.const 32772))) (br $done))
    (call $f8 (i32.load (i32.const 32768))) (br $done))
    (call $f9 (i32.load (i32.const 32768)) (i32.load (i32.const 32772)) (i32.load (i32.const 32776)) (i32.load (i32.const 32780)) (i32.load (i32.const 32784)) (i32.load (i32.const 32788)) (i32.load (i32.const 32792)) (i32.load (i32.const 32796)) (i32.load (i32.const 32800)) (i32.load (i32.const 32804)) (i32.load (i32.const 32808)) (i32.load (i32.const 32812)) (i32.load (i32.const 32816))) (br $done))
    (call $f10 (i32.load (i32.const 32768)) (i32.load (i32.const 32772)) (i32.load (i32.const 32776)) (i32.load (i32.const 32780)) (i32.load (i32.const 32784)) (i32.load (i32.const 32788))) (br $done))
    (call $f11 (i32.load (i32.const 32768)) (i32.load (i32.const 32772)) (i32.load (i32.const 32776)) (i32.load (i32.const 32780)) (i32.load (i32.const 32784)) (i32.load (i32.const 32788)) (i32.load (i32.const 32792)) (i32.load (i32.const 32796)) (i32.load (i32.const 32800)) (i32.load (i32.const 32804)) (i32.load (i32.const 32808))) (br $done))
    (call $f12 (i32.load (i32.const 32768))) (br $done))
    (call $f13 (i32.load (i32.const 32768)) (i32.load (i32.const 32772)) (i32.load (i32.const 32776))) (br $done))
    (call $f14 (i32.load (i32.const 32768)) (i32.load (i32.const 32772)) (i32.load (i32.const 32776))) (br $done))
    (call $f15 (i32.load (i32.const 32768)) (i32.load (i32.const 32772)) (i32.load (i32.const 32776))) (br $done))
    (call $f16 (i32.load (i32.const 32768)) (i32.load (i32.const 32772)) (i32.load (i32.const 32776)) (i32.load (i32.const 32780)) (i32.load (i32.const 32784)) (i32.load (i32.const 32788)) (i32.load (i32.const 32792)) (i32.load (i32.const 32796)) (i32.load (i32.const 32800)) (i32.load (i32.const 32804)) (i32.load (i32.const 32808)) (i32.load (i32.const 32812))) (br $done))
    (call $f17 (i32.load (i32.const 32768)) (i32.load (i32.const 32772)) (i32.load (i32.const 32776)) (i32.load (i32.const 32780))) (br $done))
    (call $f18 (i32.load (i32.const 32768)) (i32.load (i32.const 32772)) (i32.load (i32.const 32776)) (i32.load (i32.const 32780)) (i32.load (i32.const 32784)) (i32.load (i32.const 32788)) (i32.load (i32.const 32792)) (i32.load (i32.const 32796))) (br $done))
    (call $f19 (i32.load (i32.const 32768))) (br $done))
    (call $f20 (i32.load (i32.const 32768)) (i32.load (i32.const 32772)) (i32.load (i32.const 32776)) (i32.load (i32.const 32780)) (i32.load (i32.const 32784)) (i32.load (i32.const 32788)) (i32.load (i32.const 32792)) (i32.load (i32.const 32796)) (i32.load (i32.const 32800)) (i32.load (i32.const 32804)) (i32.load (i32.const 32808)) (i32.load (i32.const 32812))) (br $done))
    (call $f21 (i32.load (i32.const 32768)) (i32.load (i32.const 32772)) (i32.load (i32.const 32776))) (br $done))
    (call $f22 (i32.load (i32.const 32768)) (i32.load (i32.const 32772))) (br $done))
    (call $f23 (i32.load (i32.const 32768)) (i32.load (i32.const 32772)) (i32.load (i32.const 32776)) (i32.load (i32.const 32780)) (i32.load (i32.const 32784)) (i32.load (i32.const 32788)) (i32.load (i32.const 32792))) (br $done))
    (call $f24 (i32.load (i32.const 32768)) (i32.load (i32.const 32772)) (i32.load (i32.const 32776))) (br $done))
    (call $f25 (i32.load (i32.const 32768)) (i32.load (i32.const 32772)) (i32.load (i32.const 32776)) (i32.load (i32.const 32780)) (i32.load (i32.const 32784)) (i32.load (i32.const 32788)) (i32.load (i32.const 32792)) (i32.load (i32.const 32796)) (i32.load (i32.const 32800)) (i32.load (i32.const 32804)) (i32.load (i32.const 32808))))
    (local.get $words))

  ;; Does what the words say, until the end or a part of another export.
  (func $do (param $words i32)
    (local $op i32) (local $loops i32)
    (local.set $loops (i32.const 0x9000))
    (loop $next
      (local.set $op (i32.load offset=4 (local.get $words)))
      (local.set $words (i32.add (local.get $words) (i32.const 8)))
      (if (i32.or (i32.eqz (local.get $op)) (i32.eq (local.get $op) (i32.const 8))) (then (return)))
      (if (i32.eq (local.get $op) (i32.const 1)) ;; how often, where, and the turn around it
        (then
          (i32.store (local.get $loops) (call $value (local.get $words)))
          (local.set $words (i32.add (local.get $words) (i32.const 8)))
          (i32.store offset=4 (local.get $loops) (local.get $words))
          (i32.store offset=8 (local.get $loops) (global.get $turn))
          (global.set $turn (i32.const 0))
          (local.set $loops (i32.add (local.get $loops) (i32.const 12)))
          (br $next)))
      (if (i32.eq (local.get $op) (i32.const 2))
        (then
          (global.set $turn (i32.add (global.get $turn) (i32.const 1)))
          (if (i32.lt_u (global.get $turn) (i32.load (i32.sub (local.get $loops) (i32.const 12))))
            (then (local.set $words (i32.load (i32.sub (local.get $loops) (i32.const 8)))) (br $next)))
          (local.set $loops (i32.sub (local.get $loops) (i32.const 12)))
          (global.set $turn (i32.load offset=8 (local.get $loops)))
          (br $next)))
      (if (i32.eq (local.get $op) (i32.const 3))
        (then
          (local.set $words (call $import (call $value (local.get $words)) (i32.add (local.get $words) (i32.const 8))))
          (br $next)))
      (if (i32.eq (local.get $op) (i32.const 4)) (then (unreachable)))
      (if (i32.eq (local.get $op) (i32.const 5)) (then (loop $ever (br $ever))))
      (if (i32.eq (local.get $op) (i32.const 6))
        (then
          (drop (memory.grow (call $value (local.get $words))))
          (local.set $words (i32.add (local.get $words) (i32.const 8)))
          (br $next)))
      (if (i32.eq (local.get $op) (i32.const 7)) (then (call $settle) (br $next)))
      (unreachable)))

  ;; Does the part of an export, and reports whether there is one.
  (func $part (param $export i32) (result i32)
    (local $words i32)
    (local.set $words (i32.const 0x100000))
    (loop $next
      (if (i32.eq (i32.load offset=4 (local.get $words)) (i32.const 8))
        (then
          (if (i32.eq (i32.load offset=12 (local.get $words)) (local.get $export))
            (then (call $do (i32.add (local.get $words) (i32.const 16))) (return (i32.const 1))))
          (if (i32.eq (i32.load offset=12 (local.get $words)) (i32.const 99)) (then (return (i32.const 0))))))
      (local.set $words (i32.add (local.get $words) (i32.const 8)))
      (br $next))
    (unreachable))

  (func $begin (param $call i32) (param $export i32)
    (global.set $call (local.get $call))
    (if (i32.eqz (call $part (local.get $export))) (then (call $settle)))
    (global.set $free (i32.const 0x300000)))

  ;; The capabilities are at 48: after the call, the session, the endpoint and the name of the client.
  (func (export "caisson:mcp/client@0.1.0#connect") (param $at i32)
    (global.set $call (i32.load (local.get $at)))
    (call $read (i32.load offset=48 (local.get $at)) (i32.load offset=52 (local.get $at)) (i32.const 0x80000) (i32.const 0x100000))
    (global.set $free (i32.const 0x300000))
    (call $do (i32.const 0x100000)))
  (func (export "caisson:mcp/client@0.1.0#ping") (param i32 i32) (call $begin (local.get 0) (i32.const 4)))
  (func (export "caisson:mcp/client@0.1.0#close") (param i32 i32) (call $begin (local.get 0) (i32.const 6)))
  (func (export "caisson:mcp/client@0.1.0#notify") (param i32 i32 i32 i32 i32 i32) (call $begin (local.get 0) (i32.const 7)))
  (func (export "caisson:mcp/client@0.1.0#request") (param $c i32) (param i32 i32 i32) (param $at i32) (param $length i32)
    (global.set $call (local.get $c))
    (if (i32.eqz (call $part (i32.const 2)))
      (then
        (call $read (local.get $at) (local.get $length) (i32.const 0x90000) (i32.const 0x200000))
        (call $do (i32.const 0x200000))))
    (global.set $free (i32.const 0x300000)))
  (func (export "caisson:mcp/client@0.1.0#cancel") (param i32 i32 i32)
    (global.set $call (local.get 0))
    (drop (call $part (i32.const 5)))
    (global.set $free (i32.const 0x300000)))
  (func (export "caisson:mcp/ingress@0.1.0#deliver") (param i32 i32)
    (drop (call $part (i32.const 1)))
    (global.set $free (i32.const 0x300000)))

  ;; A script's source is its script.
  (func (export "caisson:mcp/scripts@0.1.0#run") (param $c i32) (param i32 i32) (param $at i32) (param $length i32) (param i32 i32 i32 i32 i32 i32)
    (global.set $call (local.get $c))
    (call $read (local.get $at) (local.get $length) (i32.const 0x80000) (i32.const 0x100000))
    (global.set $free (i32.const 0x300000))
    (call $do (i32.const 0x100000)))
  (func (export "caisson:mcp/scripts@0.1.0#load") (param i32 i32 i32 i32 i32 i32 i32) (unreachable))
  (func (export "caisson:mcp/scripts@0.1.0#call") (param i32 i32 i32 i32 i32 i32 i32) (unreachable))
  (func (export "caisson:mcp/catalog@0.1.0#declare") (param i32 i32 i32) (result i32) (unreachable))
  (func (export "caisson:mcp/catalog@0.1.0#search") (param i32 i32 i32 i32 i32 i32 i32) (result i32) (unreachable))
  (func (export "caisson:mcp/scripts@0.1.0#deliver") (param i32 i32)
    (drop (call $part (i32.const 1)))
    (global.set $free (i32.const 0x300000)))

  (func $with-params (param i32 i32 i32 i32) (call $begin (local.get 0) (i32.const 3)))
  (export "caisson:mcp/client@0.1.0#list-tools" (func $with-params))
  (export "caisson:mcp/client@0.1.0#call-tool" (func $with-params))
  (export "caisson:mcp/client@0.1.0#list-resources" (func $with-params))
  (export "caisson:mcp/client@0.1.0#list-resource-templates" (func $with-params))
  (export "caisson:mcp/client@0.1.0#read-resource" (func $with-params))
  (export "caisson:mcp/client@0.1.0#subscribe" (func $with-params))
  (export "caisson:mcp/client@0.1.0#unsubscribe" (func $with-params))
  (export "caisson:mcp/client@0.1.0#list-prompts" (func $with-params))
  (export "caisson:mcp/client@0.1.0#get-prompt" (func $with-params))
  (export "caisson:mcp/client@0.1.0#complete" (func $with-params))
  (export "caisson:mcp/client@0.1.0#set-logging-level" (func $with-params))
  (export "caisson:mcp/client@0.1.0#listen" (func $with-params))
  (export "caisson:mcp/client@0.1.0#start-task" (func $with-params))
  (export "caisson:mcp/client@0.1.0#get-task" (func $with-params))
  (export "caisson:mcp/client@0.1.0#wait-task" (func $with-params))
  (export "caisson:mcp/client@0.1.0#update-task" (func $with-params))
  (export "caisson:mcp/client@0.1.0#cancel-task" (func $with-params))
  (export "caisson:mcp/client@0.1.0#list-tasks" (func $with-params))
  (export "caisson:mcp/client@0.1.0#list-skills" (func $with-params))
  (export "caisson:mcp/client@0.1.0#get-skill" (func $with-params))
  (export "caisson:mcp/client@0.1.0#read-skill" (func $with-params))
  (export "caisson:mcp/client@0.1.0#read-skill-directory" (func $with-params)))
