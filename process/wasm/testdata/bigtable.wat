;; Starts with a table of a hundred million entries.
(module (table 100000000 funcref) (memory (export "memory") 1) (func (export "_start")))
