;; SPDX-License-Identifier: MIT
;; upper: standard input in capital letters
(module
  (import "wasi_snapshot_preview1" "fd_read"
    (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  ;; 0: one iovec, 8: how many bytes, 1024: the bytes
  (memory (export "memory") 1)
  (func (export "_start")
    (local $i i32) (local $c i32)
    (loop $more
      (i32.store (i32.const 0) (i32.const 1024))
      (i32.store (i32.const 4) (i32.const 4096))
      (if (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8))
        (then (call $exit (i32.const 1))))
      (if (i32.eqz (i32.load (i32.const 8)))
        (then (call $exit (i32.const 0))))
      (local.set $i (i32.load (i32.const 8)))
      (loop $byte
        (local.set $i (i32.sub (local.get $i) (i32.const 1)))
        (local.set $c (i32.load8_u offset=1024 (local.get $i)))
        (if (i32.lt_u (i32.sub (local.get $c) (i32.const 97))
            (i32.const 26))
          (then (i32.store8 offset=1024 (local.get $i)
            (i32.sub (local.get $c) (i32.const 32)))))
        (br_if $byte (local.get $i)))
      (i32.store (i32.const 4) (i32.load (i32.const 8)))
      (if (call $write (i32.const 1) (i32.const 0) (i32.const 1)
          (i32.const 8))
        (then (call $exit (i32.const 1))))
      (br $more))))
