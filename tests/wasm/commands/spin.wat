;; SPDX-License-Identifier: MIT
;; Computes without end.
(module
  (func (export "_start") (loop $again (br $again))))
