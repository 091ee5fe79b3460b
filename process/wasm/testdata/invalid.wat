;; Has a function whose code is not valid: it leaves nothing where a result is due.
(module (memory (export "memory") 1) (func (export "_start") (result i32)))
