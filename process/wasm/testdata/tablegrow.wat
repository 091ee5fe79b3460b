;; Grows two tables, by more each time, until they grow no more, and exits with 1
;; if the engine gave them more than their share.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (table $t 10 funcref)
  (table $u 0 5000000 externref)
  (func (export "_start")
    (loop $more
      (br_if $more (i32.ne (table.grow $t (ref.null func) (i32.const 1000)) (i32.const -1))))
    (loop $more
      (br_if $more (i32.ne (table.grow $u (ref.null extern) (i32.const 1)) (i32.const -1))))
    (if (i32.gt_u (i32.add (table.size $t) (table.size $u)) (i32.const 1048576))
      (then (call $exit (i32.const 1))))
    (drop (table.grow $t (ref.null func) (i32.const 134217727)))
    (if (i32.gt_u (table.size $t) (i32.const 1048576))
      (then (call $exit (i32.const 2))))))
