;; Calls functions that need memory, without having any, and traps unless each
;; answers EFAULT (21).
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
  (func (export "_start")
    (if (i32.ne (call $fd_write (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)) (i32.const 21))
      (then unreachable))
    (if (i32.ne (call $random_get (i32.const 0) (i32.const 0)) (i32.const 21))
      (then unreachable))))
