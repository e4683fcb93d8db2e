;; A variant of 300 cases, whose discriminant takes two bytes.
(component
  (core module $Libc
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 1024))
    ;; A bump allocator: the memory grows as it has to, post-return starts anew.
    (func (export "realloc") (param $old i32) (param $had i32) (param $align i32) (param $size i32) (result i32)
      (local $ptr i32)
      (local.set $ptr (i32.and
        (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
      (global.set $next (i32.add (local.get $ptr) (local.get $size)))
      (block $fits
        (br_if $fits (i32.le_u (i32.add (global.get $next) (i32.const 1024)) (i32.shl (memory.size) (i32.const 16))))
        (br_if $fits (i32.ne (i32.const -1) (memory.grow (i32.add (i32.const 1) (i32.shr_u (local.get $size) (i32.const 16))))))
        (unreachable))
      (memory.copy (local.get $ptr) (local.get $old)
        (select (local.get $had) (local.get $size) (i32.lt_u (local.get $had) (local.get $size))))
      (local.get $ptr))
    (func (export "free") (param i32) (global.set $next (i32.const 1024))))
  (core instance $libc (instantiate $Libc))
  (alias core export $libc "memory" (core memory $mem))
  (alias core export $libc "realloc" (core func $realloc))
  (alias core export $libc "free" (core func $free))
  (type $wide' (variant (case "c0" u32) (case "c1") (case "c2") (case "c3") (case "c4") (case "c5") (case "c6") (case "c7" u8) (case "c8") (case "c9") (case "c10") (case "c11") (case "c12") (case "c13") (case "c14" u8) (case "c15") (case "c16") (case "c17") (case "c18") (case "c19") (case "c20") (case "c21" u8) (case "c22") (case "c23") (case "c24") (case "c25") (case "c26") (case "c27") (case "c28" u8) (case "c29") (case "c30") (case "c31") (case "c32") (case "c33") (case "c34") (case "c35" u8) (case "c36") (case "c37") (case "c38") (case "c39") (case "c40") (case "c41") (case "c42" u8) (case "c43") (case "c44") (case "c45") (case "c46") (case "c47") (case "c48") (case "c49" u8) (case "c50") (case "c51") (case "c52") (case "c53") (case "c54") (case "c55") (case "c56" u8) (case "c57") (case "c58") (case "c59") (case "c60") (case "c61") (case "c62") (case "c63" u8) (case "c64") (case "c65") (case "c66") (case "c67") (case "c68") (case "c69") (case "c70" u8) (case "c71") (case "c72") (case "c73") (case "c74") (case "c75") (case "c76") (case "c77" u8) (case "c78") (case "c79") (case "c80") (case "c81") (case "c82") (case "c83") (case "c84" u8) (case "c85") (case "c86") (case "c87") (case "c88") (case "c89") (case "c90") (case "c91" u8) (case "c92") (case "c93") (case "c94") (case "c95") (case "c96") (case "c97") (case "c98" u8) (case "c99") (case "c100" u32) (case "c101") (case "c102") (case "c103") (case "c104") (case "c105" u8) (case "c106") (case "c107") (case "c108") (case "c109") (case "c110") (case "c111") (case "c112" u8) (case "c113") (case "c114") (case "c115") (case "c116") (case "c117") (case "c118") (case "c119" u8) (case "c120") (case "c121") (case "c122") (case "c123") (case "c124") (case "c125") (case "c126" u8) (case "c127") (case "c128") (case "c129") (case "c130") (case "c131") (case "c132") (case "c133" u8) (case "c134") (case "c135") (case "c136") (case "c137") (case "c138") (case "c139") (case "c140" u8) (case "c141") (case "c142") (case "c143") (case "c144") (case "c145") (case "c146") (case "c147" u8) (case "c148") (case "c149") (case "c150") (case "c151") (case "c152") (case "c153") (case "c154" u8) (case "c155") (case "c156") (case "c157") (case "c158") (case "c159") (case "c160") (case "c161" u8) (case "c162") (case "c163") (case "c164") (case "c165") (case "c166") (case "c167") (case "c168" u8) (case "c169") (case "c170") (case "c171") (case "c172") (case "c173") (case "c174") (case "c175" u8) (case "c176") (case "c177") (case "c178") (case "c179") (case "c180") (case "c181") (case "c182" u8) (case "c183") (case "c184") (case "c185") (case "c186") (case "c187") (case "c188") (case "c189" u8) (case "c190") (case "c191") (case "c192") (case "c193") (case "c194") (case "c195") (case "c196" u8) (case "c197") (case "c198") (case "c199") (case "c200" u32) (case "c201") (case "c202") (case "c203" u8) (case "c204") (case "c205") (case "c206") (case "c207") (case "c208") (case "c209") (case "c210" u8) (case "c211") (case "c212") (case "c213") (case "c214") (case "c215") (case "c216") (case "c217" u8) (case "c218") (case "c219") (case "c220") (case "c221") (case "c222") (case "c223") (case "c224" u8) (case "c225") (case "c226") (case "c227") (case "c228") (case "c229") (case "c230") (case "c231" u8) (case "c232") (case "c233") (case "c234") (case "c235") (case "c236") (case "c237") (case "c238" u8) (case "c239") (case "c240") (case "c241") (case "c242") (case "c243") (case "c244") (case "c245" u8) (case "c246") (case "c247") (case "c248") (case "c249") (case "c250") (case "c251") (case "c252" u8) (case "c253") (case "c254") (case "c255") (case "c256") (case "c257") (case "c258") (case "c259" u8) (case "c260") (case "c261") (case "c262") (case "c263") (case "c264") (case "c265") (case "c266" u8) (case "c267") (case "c268") (case "c269") (case "c270") (case "c271") (case "c272") (case "c273" u8) (case "c274") (case "c275") (case "c276") (case "c277") (case "c278") (case "c279") (case "c280" u8) (case "c281") (case "c282") (case "c283") (case "c284") (case "c285") (case "c286") (case "c287" u8) (case "c288") (case "c289") (case "c290") (case "c291") (case "c292") (case "c293") (case "c294" u8) (case "c295") (case "c296") (case "c297") (case "c298") (case "c299" string)))
  (export $wide "wide" (type $wide'))
  (core module $M
    (import "libc" "memory" (memory 1))
    ;; Returns the list or string that it is given.
    (func (export "echo") (param i32 i32) (result i32)
      (i32.store (i32.const 16) (local.get 0)) (i32.store (i32.const 20) (local.get 1)) (i32.const 16)))
  (core instance $m (instantiate $M (with "libc" (instance $libc))))
  (alias core export $m "echo" (core func $echo))
  (core module $R
    (import "libc" "memory" (memory 1))
    ;; Bytes as a list of so many values.
    (func (export "of-bytes") (param $ptr i32) (param $len i32) (param $n i32) (result i32)
      (memory.fill (i32.add (local.get $ptr) (local.get $len)) (i32.const 0) (i32.const 512))
      (i32.store (i32.const 16) (local.get $ptr)) (i32.store (i32.const 20) (local.get $n)) (i32.const 16)))
  (core instance $r (instantiate $R (with "libc" (instance $libc))))
  (core module $B
    (import "libc" "memory" (memory 1))
    ;; A list of values as bytes, padding and all.
    (func (export "bytes") (param $ptr i32) (param $n i32) (result i32)
      (i32.store (i32.const 16) (local.get $ptr))
      (i32.store (i32.const 20) (i32.mul (local.get $n) (i32.const 12)))
      (i32.const 16)))
  (core instance $b (instantiate $B (with "libc" (instance $libc))))
  (func (export "echo") (param "v" (list $wide)) (result (list $wide))
    (canon lift (core func $echo) (memory $mem) (realloc $realloc) (post-return $free)))
  (func (export "of-bytes") (param "bytes" (list u8)) (param "n" u32) (result (list $wide))
    (canon lift (core func $r "of-bytes") (memory $mem) (realloc $realloc) (post-return $free)))
  (func (export "bytes") (param "v" (list $wide)) (result (list u8))
    (canon lift (core func $b "bytes") (memory $mem) (realloc $realloc) (post-return $free)))
  (core module $F
    (import "libc" "memory" (memory 1))
    (func (export "flat") (param i32 i32 i32) (result i32)
      (i32.store (i32.const 32) (local.get 0)) (i32.store (i32.const 36) (local.get 2)) (i32.const 32)))
  (core instance $f (instantiate $F (with "libc" (instance $libc))))
  (func (export "flat") (param "v" $wide) (result (tuple u32 u32))
    (canon lift (core func $f "flat") (memory $mem) (realloc $realloc) (post-return $free)))
)
