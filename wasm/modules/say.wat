;; SPDX-License-Identifier: MIT
;; say [WORD...]: each on a line of its own
(module
  (import "wasi_snapshot_preview1" "args_sizes_get"
    (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get"
    (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  ;; 0: one iovec, 8: written, 16: how many, 20: their bytes,
  ;; 1024: where they are, 65536: the words
  (memory (export "memory") 2)
  (func (export "_start")
    (local $i i32) (local $word i32) (local $n i32)
    (drop (call $sizes (i32.const 16) (i32.const 20)))
    (drop (call $args (i32.const 1024) (i32.const 65536)))
    (loop $next
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (if (i32.lt_u (local.get $i) (i32.load (i32.const 16)))
        (then
          (local.set $word
            (i32.load (i32.add (i32.const 1024)
              (i32.mul (local.get $i) (i32.const 4)))))
          (local.set $n (i32.const 0))
          (block $end
            (loop $byte
              (br_if $end (i32.eqz
                (i32.load8_u (i32.add (local.get $word) (local.get $n)))))
              (local.set $n (i32.add (local.get $n) (i32.const 1)))
              (br $byte)))
          ;; its NUL becomes the newline
          (i32.store8 (i32.add (local.get $word) (local.get $n))
            (i32.const 10))
          (i32.store (i32.const 0) (local.get $word))
          (i32.store (i32.const 4)
            (i32.add (local.get $n) (i32.const 1)))
          (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1)
            (i32.const 8)))
          (br $next))))))
