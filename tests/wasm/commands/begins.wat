;; SPDX-License-Identifier: MIT
;; Its start function counts to a million before there is anything to call.
(module
  (global $n (mut i32) (i32.const 0))
  (func $begin
    (loop $again
      (global.set $n (i32.add (global.get $n) (i32.const 1)))
      (br_if $again (i32.lt_u (global.get $n) (i32.const 1000000)))))
  (start $begin)
  (func (export "_start")
    (if (i32.ne (global.get $n) (i32.const 1000000)) (then unreachable))))
