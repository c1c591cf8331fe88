;; SPDX-License-Identifier: MIT
;; Reaches for the byte at 2^32 + 16: an address of 32 bits would wrap round to
;; what is there.
(module
  (memory 1)
  (func (export "_start")
    (drop (i32.load8_u offset=0xfffffff0 (i32.const 32)))))
