(* The threads of a workload, and the moments between which it is measured: every thread prepares
   its data, all wait for each other, the measured part runs, all wait again, and then each thread
   verifies what it has. *)

type barrier = {
  lock : Mutex.t;
  all : Condition.t;
  mutable missing : int;
  once : unit -> unit; (* called by the last one to come *)
}

type member = { index : int; count : int; threshold : int; start : barrier; stop : barrier }

let make_barrier count once =
  { lock = Mutex.create (); all = Condition.create (); missing = count; once }

let wait barrier =
  Mutex.lock barrier.lock;
  barrier.missing <- barrier.missing - 1;
  if barrier.missing = 0 then begin
    barrier.once ();
    Condition.broadcast barrier.all
  end;
  while barrier.missing > 0 do
    Condition.wait barrier.all barrier.lock
  done;
  Mutex.unlock barrier.lock

(* The member's part of a whole; the first members do what is left over. *)
let share member whole =
  (whole / member.count) + if member.index < whole mod member.count then 1 else 0

(* Runs the measured part when all members are prepared, and returns when it is over for all. *)
let measured member part =
  wait member.start;
  let recorder = Recorder.make member.threshold in
  let result = part recorder in
  Measure.add recorder;
  wait member.stop;
  result

(* A failure ends the program: the others may be waiting for this thread. *)
let guarded work index =
  try work index with
  | Out_of_memory ->
      prerr_endline (Check.program ^ ": no memory");
      exit 3
  | failure -> Check.fail "%s" (Printexc.to_string failure)

(* Calls a function in so many threads, with numbers from 0, and adds up what it returns. *)
let sum count work =
  let results = Array.make count 0 in
  let run index = results.(index) <- guarded work index in
  let threads = List.init count (Thread.create run) in
  List.iter Thread.join threads;
  Array.fold_left ( + ) 0 results

(* Runs the work in so many threads, each of which calls measured once, and returns the sum of the
   results. An operation longer than the threshold (ns) is a candidate for a pause. *)
let run count threshold work =
  let start = make_barrier count Measure.start and stop = make_barrier count Measure.stop in
  sum count (fun index -> work { index; count; threshold; start; stop })
