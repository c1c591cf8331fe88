;; SPDX-License-Identifier: MIT
;; No command.
(module
  (func (export "_initialize")))
