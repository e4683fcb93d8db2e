;; Three small computations, for measuring what metering costs: recursion, tight
;; loops over memory, and loops with much in them.
(component
  (core module $M
    (memory (export "memory") 4)
    (func $fib (export "fib") (param $n i32) (result i32)
      (if (result i32) (i32.lt_u (local.get $n) (i32.const 2))
        (then (local.get $n))
        (else (i32.add
          (call $fib (i32.sub (local.get $n) (i32.const 1)))
          (call $fib (i32.sub (local.get $n) (i32.const 2)))))))
    ;; How many primes are below n, by the sieve of Eratosthenes.
    (func (export "sieve") (param $n i32) (result i32)
      (local $i i32) (local $j i32) (local $count i32)
      (memory.fill (i32.const 0) (i32.const 1) (local.get $n))
      (local.set $i (i32.const 2))
      (loop $next
        (if (i32.load8_u (local.get $i))
          (then
            (local.set $count (i32.add (local.get $count) (i32.const 1)))
            (local.set $j (i32.mul (local.get $i) (i32.const 2)))
            (if (i32.lt_u (local.get $j) (local.get $n))
              (then (loop $strike
                (i32.store8 (local.get $j) (i32.const 0))
                (local.set $j (i32.add (local.get $j) (local.get $i)))
                (br_if $strike (i32.lt_u (local.get $j) (local.get $n))))))))
        (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
      (local.get $count))
    ;; The trace of the product of two n by n matrices of f64 at 0, made of their
    ;; indices.
    (func (export "product") (param $n i32) (result f64)
      (local $i i32) (local $j i32) (local $k i32) (local $sum f64) (local $trace f64)
      (loop $fill
        (f64.store (i32.mul (local.get $i) (i32.const 8))
          (f64.div (f64.convert_i32_u (local.get $i)) (f64.const 1000)))
        (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
          (i32.mul (local.get $n) (local.get $n)))))
      (local.set $i (i32.const 0))
      (loop $rows
        (local.set $j (i32.const 0))
        (loop $columns
          (local.set $sum (f64.const 0))
          (local.set $k (i32.const 0))
          (loop $dot
            (local.set $sum (f64.add (local.get $sum) (f64.mul
              (f64.load (i32.mul (i32.add (i32.mul (local.get $i) (local.get $n)) (local.get $k)) (i32.const 8)))
              (f64.load (i32.mul (i32.add (i32.mul (local.get $k) (local.get $n)) (local.get $j)) (i32.const 8))))))
            (br_if $dot (i32.lt_u (local.tee $k (i32.add (local.get $k) (i32.const 1))) (local.get $n))))
          (if (i32.eq (local.get $i) (local.get $j))
            (then (local.set $trace (f64.add (local.get $trace) (local.get $sum)))))
          (br_if $columns (i32.lt_u (local.tee $j (i32.add (local.get $j) (i32.const 1))) (local.get $n))))
        (br_if $rows (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (local.get $n))))
      (local.get $trace)))
  (core instance $m (instantiate $M))
  (func (export "fib") (param "n" u32) (result u32) (canon lift (core func $m "fib")))
  (func (export "sieve") (param "n" u32) (result u32) (canon lift (core func $m "sieve")))
  (func (export "product") (param "n" u32) (result f64) (canon lift (core func $m "product"))))
