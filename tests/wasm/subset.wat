;; module: control
(module
  (type $ii (func (param i32) (result i32)))
  (table 4 funcref)
  (elem (i32.const 0) $double $fac $pair)
  (memory 1 3)
  (data (i32.const 8) "abcdefgh")
  (data $passive "0123456789")
  (global $g (mut i64) (i64.const 7))
  (func $double (type $ii) (i32.add (local.get 0) (local.get 0)))
  (func $fac (type $ii)
    (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 1))
      (else (i32.mul (local.get 0) (call $fac (i32.sub (local.get 0) (i32.const 1)))))))
  (func $pair (param i32) (result i32 i32) (local.get 0) (i32.const 9))
  (func (export "fac") (type $ii) (call $fac (local.get 0)))
  (func (export "swap") (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
  (func (export "pair") (param i32) (result i32) (i32.sub (call $pair (local.get 0))))
  (func (export "indirect") (param i32 i32) (result i32)
    (call_indirect (type $ii) (local.get 0) (local.get 1)))
  (func (export "loop") (param i32) (result i32) (local $s i32)
    (loop $l
      (local.set $s (i32.add (local.get $s) (local.get 0)))
      (br_if $l (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get $s))
  (func (export "table") (param i32) (result i32)
    (block $d (block $c (block $b (block $a
      (br_table $a $b $c $d (local.get 0)))
      (return (i32.const 10))) (return (i32.const 11))) (return (i32.const 12))) (i32.const 13))
  (func (export "tablev") (param i32) (result i32)
    (block $b (result i32)
      (i32.add (i32.const 100) (block $a (result i32)
        (i32.const 5) (br_table $a $b (local.get 0))))))
  (func (export "old") (param i32) (result i32)
    (local.get 0) (local.set 0 (i32.const 3)) (i32.mul (local.get 0)))
  (func (export "tees") (param i32 i32) (result i32)
    (local.get 0) (local.tee 0 (local.get 1)) (local.set 1 (i32.const 1))
    (i32.sub) (i32.mul (local.get 0)) (i32.add (local.get 1)))
  (func (export "brifv") (param i32 i32) (result i32)
    (block $b (result i32)
      (local.get 0) (br_if $b (local.get 1)) (drop) (i32.const -1)))
  (func (export "brifcmp") (param i32 i32) (result i32)
    (block $b (result i32)
      (local.get 0) (br_if $b (i32.lt_s (local.get 0) (local.get 1)))
      (i32.mul (i32.const 7))))
  (func (export "multi") (param i32 i32) (result i32)
    (local.get 0) (local.get 1)
    (block (param i32 i32) (result i32 i32)
      (br_if 0 (i32.gt_u (local.get 0) (i32.const 4))) (drop) (i32.const 50))
    (i32.sub))
  (func (export "multiloop") (param i32) (result i32)
    (i32.const 1) (local.get 0)
    (loop $l (param i32 i32) (result i32)
      (local.set 0) (i32.mul (local.get 0)) (i32.sub (local.get 0) (i32.const 1))
      (br_if $l (i32.gt_s (local.get 0) (i32.const 1))) (drop)))
  (func (export "ifparam") (param i32 i32) (result i32)
    (local.get 0) (local.get 1)
    (if (param i32) (result i32) (then (i32.add (i32.const 1))) (else (i32.sub (i32.const 1)))))
  (func (export "ifnoelse") (param i32) (result i32) (local $r i32)
    (if (local.get 0) (then (local.set $r (i32.const 4)))) (local.get $r))
  (func (export "select") (param i64 i64 i32) (result i64)
    (select (local.get 0) (local.get 1) (local.get 2)))
  (func (export "selectc") (param i32) (result i32)
    (select (i32.const 5) (i32.const 6) (i32.ge_u (local.get 0) (i32.const 3))))
  (func (export "global") (param i64) (result i64)
    (global.get $g) (global.set $g (i64.add (global.get $g) (local.get 0))) (i64.mul (global.get $g)))
  (func (export "dead") (param i32) (result i32)
    (block (result i32) (br 0 (local.get 0)) (drop) (i32.add) (block (param i32) (drop)) (i32.const 4)))
  (func (export "unreachable") (unreachable))
  (func (export "deep") (param i32) (result i32)
    (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0)
    (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0)
    (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0)
    (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0)
    (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0)
    (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0)
    (local.set 0 (i32.const 2))
    (local.get 0)
    (i32.mul) (i32.sub) (i32.sub) (i32.sub) (i32.sub) (i32.sub) (i32.sub) (i32.sub) (i32.sub)
    (i32.add) (i32.add) (i32.add) (i32.add) (i32.add) (i32.add) (i32.add) (i32.add) (i32.add)
    (i32.mul) (i32.sub) (i32.sub) (i32.sub) (i32.sub) (i32.sub) (i32.sub) (i32.sub) (i32.sub)
    (i32.add) (i32.add) (i32.add) (i32.add) (i32.add) (i32.add) (i32.add) (i32.add) (i32.add))
  (func (export "byte") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "init") (param i32 i32 i32) (memory.init $passive (local.get 0) (local.get 1) (local.get 2)))
  (func (export "drop") (data.drop $passive))
  (func (export "size") (result i32) (memory.size))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
;; fac i:0
;; fac i:1
;; fac i:10
;; fac i:13
;; swap i:1 I:2
;; pair i:3
;; indirect i:21 i:0
;; indirect i:5 i:1
;; indirect i:5 i:2
;; indirect i:5 i:3
;; indirect i:5 i:4
;; indirect i:5 i:-1
;; loop i:1
;; loop i:1000
;; table i:0
;; table i:1
;; table i:2
;; table i:3
;; table i:-1
;; tablev i:0
;; tablev i:1
;; tablev i:9
;; old i:5
;; tees i:10 i:4
;; brifv i:3 i:0
;; brifv i:3 i:1
;; brifcmp i:3 i:4
;; brifcmp i:4 i:3
;; multi i:1 i:2
;; multi i:9 i:2
;; multiloop i:1
;; multiloop i:5
;; ifparam i:5 i:0
;; ifparam i:5 i:1
;; ifnoelse i:0
;; ifnoelse i:1
;; select I:1 I:2 i:0
;; select I:1 I:2 i:-1
;; selectc i:2
;; selectc i:3
;; global I:3
;; global I:4
;; dead i:77
;; unreachable
;; deep i:3
;; byte i:8
;; byte i:15
;; byte i:16
;; fill i:100 i:511 i:10
;; byte i:100
;; byte i:109
;; byte i:110
;; fill i:65530 i:1 i:7
;; byte i:65530
;; fill i:65536 i:1 i:0
;; fill i:65537 i:1 i:0
;; copy i:10 i:8 i:8
;; byte i:10
;; byte i:17
;; copy i:65530 i:0 i:7
;; copy i:0 i:65530 i:7
;; init i:200 i:2 i:8
;; byte i:200
;; byte i:207
;; init i:200 i:3 i:8
;; init i:65530 i:0 i:7
;; drop
;; init i:200 i:0 i:0
;; init i:200 i:0 i:1
;; size
;; grow i:1
;; size
;; byte i:131071
;; byte i:131072
;; grow i:2
;; grow i:1
;; grow i:0
;; grow i:1
;; grow i:-1
;; module: tables and references
(module
  (table $t 3 6 funcref)
  (table $e 2 externref)
  (elem $p func $one $two)
  (func $one (result i32) (i32.const 1))
  (func $two (result i32) (i32.const 2))
  (elem declare func $two)
  (func (export "call") (param i32) (result i32) (call_indirect $t (result i32) (local.get 0)))
  (func (export "init") (param i32 i32 i32) (table.init $t $p (local.get 0) (local.get 1) (local.get 2)))
  (func (export "drop") (elem.drop $p))
  (func (export "copy") (param i32 i32 i32) (table.copy $t $t (local.get 0) (local.get 1) (local.get 2)))
  (func (export "set") (param i32) (table.set $t (local.get 0) (ref.func $two)))
  (func (export "clear") (param i32) (table.set $t (local.get 0) (ref.null func)))
  (func (export "null") (param i32) (result i32) (ref.is_null (table.get $t (local.get 0))))
  (func (export "enull") (param i32) (result i32) (ref.is_null (table.get $e (local.get 0))))
  (func (export "size") (result i32) (table.size $t))
  (func (export "grow") (param i32) (result i32) (table.grow $t (ref.func $two) (local.get 0)))
  (func (export "fill") (param i32 i32) (table.fill $t (local.get 0) (ref.func $two) (local.get 1)))
  (func (export "pick") (param i32) (result i32)
    (if (result i32) (ref.is_null (select (result funcref) (ref.null func) (ref.func $two) (local.get 0)))
      (then (i32.const 8)) (else (i32.const 9)))))
;; null i:0
;; call i:0
;; call i:3
;; init i:0 i:0 i:2
;; call i:0
;; call i:1
;; null i:1
;; null i:2
;; null i:3
;; init i:2 i:0 i:2
;; init i:0 i:1 i:2
;; copy i:1 i:0 i:2
;; call i:1
;; call i:2
;; copy i:2 i:0 i:2
;; set i:0
;; call i:0
;; set i:3
;; clear i:0
;; call i:0
;; enull i:0
;; enull i:2
;; size
;; grow i:2
;; size
;; call i:4
;; grow i:2
;; grow i:1
;; fill i:0 i:6
;; call i:0
;; fill i:1 i:6
;; fill i:6 i:0
;; fill i:7 i:0
;; drop
;; init i:0 i:0 i:0
;; init i:0 i:0 i:1
;; pick i:0
;; pick i:1
