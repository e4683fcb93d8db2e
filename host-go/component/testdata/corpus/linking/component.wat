;; Core modules that share a memory, a table and globals of one another, functions of
;; inline instances, and functions called through the shared table.
(component
  (core module $Owner
    (memory (export "memory") 1)
    (table (export "table") 4 funcref)
    (global (export "top") (mut i64) (i64.const 5))
    (global (export "base") i32 (i32.const 64))
    (func (export "read") (param i32) (result i32) (i32.load (local.get 0))))
  (core instance $owner (instantiate $Owner))
  (core module $Writer
    (import "o" "memory" (memory 1))
    (import "o" "table" (table 4 funcref))
    (import "o" "base" (global $base i32))
    (import "o" "top" (global $top (mut i64)))
    (data (global.get $base) "\01\02\03\04")
    (elem (i32.const 1) $double $square)
    (func $double (param i32) (result i32) (global.set $top (i64.add (global.get $top) (i64.const 1))) (i32.mul (local.get 0) (i32.const 2)))
    (func $square (param i32) (result i32) (i32.mul (local.get 0) (local.get 0)))
    (func (export "write") (param i32 i32) (i32.store (local.get 0) (local.get 1))))
  (core instance $writer (instantiate $Writer (with "o" (instance $owner))))
  (core module $Caller
    (import "o" "t" (table 4 funcref))
    (import "f" "write" (func $write (param i32 i32)))
    (import "f" "" (func $read (param i32) (result i32)))
    (type $f (func (param i32) (result i32)))
    (func (export "call") (param i32 i32) (result i32) (call_indirect (type $f) (local.get 1) (local.get 0)))
    (func (export "swap") (param i32 i32) (result i32) (local $old i32)
      (local.set $old (call $read (local.get 0)))
      (call $write (local.get 0) (local.get 1))
      (local.get $old)))
  (core instance $caller (instantiate $Caller
    (with "o" (instance (export "t" (table $owner "table"))))
    (with "f" (instance (export "write" (func $writer "write")) (export "" (func $owner "read"))))))
  (core module $Top
    (import "o" "top" (global $top (mut i64)))
    (func (export "top") (result i64) (global.get $top)))
  (core instance $top (instantiate $Top (with "o" (instance $owner))))
  (func (export "call") (param "i" u32) (param "v" u32) (result u32) (canon lift (core func $caller "call")))
  (func (export "swap") (param "at" u32) (param "v" u32) (result u32) (canon lift (core func $caller "swap")))
  (func (export "top") (result u64) (canon lift (core func $top "top")))
)
