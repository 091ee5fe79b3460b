;; Is a library, not a command.
(module (memory (export "memory") 1) (func (export "_initialize")))
