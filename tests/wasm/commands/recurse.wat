;; SPDX-License-Identifier: MIT
;; Calls itself without end.
(module
  (memory 1)
  (func $deeper (param i64 i64) (call $deeper (local.get 1) (local.get 0)))
  (func (export "_start") (call $deeper (i64.const 1) (i64.const 2))))
