;; SPDX-License-Identifier: MIT
;; burn: compute for ever
(module
  (memory (export "memory") 1)
  (func (export "_start") (loop $ever (br $ever))))
