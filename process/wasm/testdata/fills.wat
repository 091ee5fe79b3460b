;; Fills and copies tens of megabytes at a time, for ever and without a loop.
(module
  (memory (export "memory") 1024)
  (func $tree (param i32)
    (memory.fill (i32.const 0) (local.get 0) (i32.const 67108864))
    (memory.copy (i32.const 0) (i32.const 1) (i32.const 67108863))
    (memory.copy (i32.const 1) (i32.const 0) (i32.const 67108863))
    (if (local.get 0)
      (then
        (call $tree (i32.sub (local.get 0) (i32.const 1)))
        (call $tree (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "_start") (call $tree (i32.const 100))))
