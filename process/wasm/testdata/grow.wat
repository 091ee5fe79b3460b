;; Takes memory, a MiB at a time, until there is no more. Then argv[1] says what
;; it does: "t" traps, "e" exits with 3, anything else with 0.
(module
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $mode i32)
    (drop (call $args (i32.const 1024) (i32.const 4096)))
    (local.set $mode (i32.load8_u (i32.load (i32.const 1028))))
    (loop $more
      (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
    (if (i32.eq (local.get $mode) (i32.const 116)) (then unreachable))
    (if (i32.eq (local.get $mode) (i32.const 101)) (then (call $exit (i32.const 3))))))
