;; Exports nothing to run.
(module (memory (export "memory") 1))
