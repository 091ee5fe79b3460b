;; The same by way of a table, as function pointers do.
(module
  (memory (export "memory") 1)
  (type $step (func (param i32)))
  (table funcref (elem $tree))
  (func $tree (type $step)
    (if (local.get 0)
      (then
        (call_indirect (type $step) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))
        (call_indirect (type $step) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)))))
  (func (export "_start") (call $tree (i32.const 100))))
