(* What one thread measures; only that thread may use it. *)

let stall = 1_000_000

(* A threshold: operations are of so different lengths that none says a pause, or much of the work
   is in none, so that nothing is said of pauses. *)
let irregular = max_int

type t = {
  threshold : int;
  began : int;
  cpu_began : int;
  run_delay_began : int;
  times : Histogram.t;
  pauses : Pauses.t;
  mutable last : int;
  mutable stall_count : int;
  mutable stall_sum : int;
  mutable span : int; (* set at the end, as the next two *)
  mutable cpu : int;
  mutable run_delay : int;
}

(* An operation longer than the threshold (ns) is a candidate for a pause. *)
let make threshold =
  let run_delay_began = Proc.thread_run_delay () in
  let cpu_began = Clock.thread () in
  let began = Clock.wall () in
  {
    threshold; began; cpu_began; run_delay_began; last = began;
    times = Histogram.make (); pauses = Pauses.make ();
    stall_count = 0; stall_sum = 0; span = 0; cpu = 0; run_delay = 0;
  }

(* What came since the last operation is not part of the next one. *)
let mark t = t.last <- Clock.wall ()

(* One operation from the end of the last one (or mark) until now. *)
let operation t =
  let now = Clock.wall () in
  let taken = now - t.last in
  Histogram.add t.times taken;
  if taken > t.threshold then Pauses.add t.pauses t.last now;
  if taken > stall then begin
    t.stall_count <- t.stall_count + 1;
    t.stall_sum <- t.stall_sum + taken
  end;
  t.last <- now;
  taken

(* The thread is done; for Measure.add. *)
let finish t =
  t.span <- Clock.wall () - t.began;
  t.cpu <- Clock.thread () - t.cpu_began;
  t.run_delay <- Proc.thread_run_delay () - t.run_delay_began
