;; Makes files with ever new names and keeps them open, for ever, whatever the answers are.
(module
  (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "_start") (local $n i32)
    (loop $again
      ;; the name is eight letters, of which each stands for three bits
      (i64.store (i32.const 0) (i64.add (i64.const 0x6161616161616161)
        (i64.or
          (i64.or
            (i64.extend_i32_u (i32.and (local.get $n) (i32.const 7)))
            (i64.shl (i64.extend_i32_u (i32.and (i32.shr_u (local.get $n) (i32.const 3)) (i32.const 7))) (i64.const 8)))
          (i64.or
            (i64.shl (i64.extend_i32_u (i32.and (i32.shr_u (local.get $n) (i32.const 6)) (i32.const 7))) (i64.const 16))
            (i64.shl (i64.extend_i32_u (i32.and (i32.shr_u (local.get $n) (i32.const 9)) (i32.const 7))) (i64.const 24))))))
      (drop (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 1)
        (i64.const 0x40) (i64.const 0) (i32.const 0) (i32.const 16)))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br $again))))
