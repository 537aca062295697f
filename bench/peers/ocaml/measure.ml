(* What a program measures of itself, and the line of JSON in which it says so (bench/README.md). *)

let windows = [ 1; 2; 5; 10; 20; 50; 100; 200; 500; 1000 ] (* ms *)
let ms = 1_000_000
let check_bits = (1 lsl 53) - 1 (* what a double holds *)
let lock = Mutex.create ()
let recorders : Recorder.t list ref = ref []
let fields = ref [] (* the program's own, the last one first *)
let wall = ref 0
let cpu = ref 0
let resident = ref 0
let resident_peak = ref 0

let start () =
  Proc.reset_peak ();
  cpu := Clock.process ();
  wall := Clock.wall ()

let stop () =
  wall := Clock.wall () - !wall;
  cpu := Clock.process () - !cpu;
  resident := Proc.resident ();
  resident_peak := Proc.resident_peak ()

(* Adds a thread's figures to the program's; called by that thread when it is done. *)
let add recorder =
  Recorder.finish recorder;
  Mutex.lock lock;
  recorders := recorder :: !recorders;
  Mutex.unlock lock

let count key value = Printf.sprintf "\"%s\": %d" key value
let real key value = Printf.sprintf "\"%s\": %.6g" key value
let text key value = Printf.sprintf "\"%s\": \"%s\"" key value
let obj key fields = Printf.sprintf "\"%s\": {%s}" key (String.concat ", " fields)

let times key histogram =
  let quantile name share = count name (Histogram.quantile histogram share) in
  obj key
    [
      count "count" histogram.Histogram.count;
      quantile "p50" 0.5; quantile "p99" 0.99; quantile "p999" 0.999; quantile "p9999" 0.9999;
      count "max" histogram.max; count "sum" histogram.sum;
    ]

(* Further fields of the line, made by the functions above. *)
let field text = fields := text :: !fields

let sum figure = List.fold_left (fun sum recorder -> sum + figure recorder) 0 !recorders

(* The most that pauses take of any window, of those threads that timed operations and ran for at
   least a span. *)
let worst window span =
  let fits (r : Recorder.t) = r.times.count > 0 && r.span >= span in
  match List.filter fits !recorders with
  | [] -> None
  | fitting ->
      let of_thread (r : Recorder.t) = Pauses.worst r.pauses window in
      Some (List.fold_left max 0 (List.map of_thread fitting))

(* The worst thread's; windows longer than a thread ran are left out for it. *)
let utilization () =
  let share window =
    let length = window * ms in
    let left worst = 1. -. (float_of_int worst /. float_of_int length) in
    Option.map (fun worst -> real (string_of_int window) (left worst)) (worst length length)
  in
  List.filter_map share windows

let pause_fields () =
  let lost = sum (fun r -> r.Recorder.pauses.lost) in
  [
    count "stall_count" (sum (fun r -> r.Recorder.stall_count));
    count "stall_sum" (sum (fun r -> r.Recorder.stall_sum));
    count "worst_100ms" (Option.value (worst (100 * ms) 0) ~default:0);
    obj "mmu" (utilization ());
  ]
  @ if lost > 0 then [ count "pauses_lost" lost ] else []

let latency () =
  let all = Histogram.make () in
  List.iter (fun r -> Histogram.merge all r.Recorder.times) !recorders;
  let irregular = List.exists (fun r -> r.Recorder.threshold = Recorder.irregular) !recorders in
  if all.count = 0 then [] else times "latency" all :: (if irregular then [] else pause_fields ())

let print workload ~threads ~operations ~check =
  let line =
    [
      text "workload" workload; text "memory" "ocaml"; count "threads" threads;
      count "operations" operations; count "check" (check land check_bits);
      count "wall" !wall; count "cpu" !cpu;
      count "mutator_cpu" (sum (fun r -> r.Recorder.cpu));
      count "run_delay" (sum (fun r -> r.Recorder.run_delay));
      count "rss_peak" !resident_peak; count "rss" !resident;
    ]
    @ latency () @ List.rev !fields
  in
  Printf.printf "{%s}\n" (String.concat ", " line)
