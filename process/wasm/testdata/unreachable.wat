;; Traps in a named function.
(module
  (memory (export "memory") 1)
  (func $doom unreachable)
  (func $start (export "_start") (call $doom)))
