;; Fetches its arguments into memory grown to hold them, and exits with 0 if the
;; last byte is the NUL after an "x", else with 1.
(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $end i32)
    (drop (call $sizes (i32.const 0) (i32.const 4)))
    (drop (memory.grow (i32.add (i32.shr_u (i32.load (i32.const 4)) (i32.const 16)) (i32.const 1))))
    (local.set $end (i32.add (i32.const 65536) (i32.load (i32.const 4))))
    (drop (call $args (i32.const 1024) (i32.const 65536)))
    (call $exit (i32.ne (i32.load16_u (i32.sub (local.get $end) (i32.const 2))) (i32.const 120)))))
