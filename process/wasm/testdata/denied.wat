;; Tries to make a symlink that leads outside, for ever.
(module
  (import "wasi_snapshot_preview1" "path_symlink" (func $symlink (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "/etc/passwd")
  (data (i32.const 16) "link")
  (func (export "_start")
    (loop $again
      (drop (call $symlink (i32.const 0) (i32.const 11) (i32.const 3) (i32.const 16) (i32.const 4)))
      (br $again))))
