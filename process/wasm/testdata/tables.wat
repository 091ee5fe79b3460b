;; Fills a table of a million entries, for ever and without a loop.
(module
  (memory (export "memory") 1)
  (table $t 1000000 funcref)
  (func $tree (param i32)
    (table.fill $t (i32.const 0) (ref.null func) (i32.const 1000000))
    (table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 999999))
    (if (local.get 0)
      (then
        (call $tree (i32.sub (local.get 0) (i32.const 1)))
        (call $tree (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "_start") (call $tree (i32.const 100))))
