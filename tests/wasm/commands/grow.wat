;; SPDX-License-Identifier: MIT
;; Takes all the memory it can get, page by page, and writes to the last byte of
;; each; exits with the number of pages.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (loop $again
      (i32.store8
        (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 1))
        (i32.const 7))
      (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
    (call $exit (memory.size))))
