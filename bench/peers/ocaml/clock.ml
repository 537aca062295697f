(* Clocks in ns: wall time since some moment, CPU time of the process and of the calling thread. *)

external wall : unit -> (int[@untagged]) = "bench_clock_bytecode" "bench_clock_wall" [@@noalloc]

external process : unit -> (int[@untagged]) = "bench_clock_bytecode" "bench_clock_process"
  [@@noalloc]

external thread : unit -> (int[@untagged]) = "bench_clock_bytecode" "bench_clock_thread"
  [@@noalloc]
