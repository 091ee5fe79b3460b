;; Calls for ever, though it never loops: two calls in each of a hundred.
(module
  (memory (export "memory") 1)
  (func $tree (param i32)
    (if (local.get 0)
      (then
        (call $tree (i32.sub (local.get 0) (i32.const 1)))
        (call $tree (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "_start") (call $tree (i32.const 100))))
