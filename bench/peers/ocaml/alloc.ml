(* Alloc: what it costs to allocate objects that die at once. The loop stores two numbers into each
   object (one, if it has 16 bytes), reads them back and adds them up. Checked: the sum of all
   numbers. *)

(* With its header each has the size that its name says. *)
type size16 = { number : int }
type size24 = { number : int; previous : int }
type size32 = { number : int; previous : int; unused : int }

let batch = 1000 (* objects timed together *)
let threshold = 100_000 (* ns *)

(* Sys.opaque_identity hides from the compiler what an object holds and that nobody else sees it. *)

let allocate16 first last =
  let sum = ref 0 in
  for number = first to last do
    let (it : size16) = Sys.opaque_identity { number } in
    sum := !sum + it.number
  done;
  !sum

let allocate24 first last =
  let sum = ref 0 in
  for number = first to last do
    let (it : size24) = Sys.opaque_identity { number; previous = number - 1 } in
    sum := !sum + it.number + it.previous
  done;
  !sum

let allocate32 first last =
  let sum = ref 0 in
  for number = first to last do
    let it = Sys.opaque_identity { number; previous = number - 1; unused = 0 } in
    sum := !sum + it.number + it.previous
  done;
  !sum

(* Calls a function with the first and the last number of each batch, and adds up its results. *)
let in_batches allocate objects recorder =
  let rec go first sum =
    if first > objects then sum
    else begin
      let part = allocate first (min objects (first + batch - 1)) in
      ignore (Recorder.operation recorder);
      go (first + batch) (sum + part)
    end
  in
  go 1 0

let work allocate objects expected cpus walls (member : Crew.member) =
  let part recorder =
    let cpu = Clock.thread () and wall = Clock.wall () in
    let sum = in_batches allocate objects recorder in
    let per_object time = float_of_int time /. float_of_int objects in
    cpus.(member.index) <- per_object (Clock.thread () - cpu);
    walls.(member.index) <- per_object (Clock.wall () - wall);
    sum
  in
  let sum = Crew.measured member part in
  Check.equal sum expected "sum of the numbers";
  sum

let report size cpus walls =
  let mean times = Array.fold_left ( +. ) 0. times /. float_of_int (Array.length times) in
  let of_thread i cpu = Measure.field (Measure.real (Printf.sprintf "ns_per_object_%d" i) cpu) in
  if Array.length cpus > 1 then Array.iteri of_thread cpus;
  Measure.field (Measure.real "ns_per_object" (mean cpus));
  Measure.field (Measure.real "ns_per_object_wall" (mean walls));
  Measure.field (Measure.count "batch" batch);
  Measure.field (Measure.count "size" size);
  Measure.field (Measure.count "full" 0)

let () =
  let size = ref 24 and objects = ref 10000000 and threads = ref 1 and full = ref 0 in
  let why_not_full = "the heap has no size of which a part could be full" in
  Arguments.parse "Allocates objects that die at once."
    [
      Arguments.count "size" size "bytes of an object, with its header: 16, 24 or 32";
      Arguments.count "objects" objects "objects for each thread";
      Arguments.count "full" full ("only 0: " ^ why_not_full);
      Arguments.threads threads;
    ];
  Arguments.within "objects" objects 1 (1 lsl 31);
  Arguments.require (!full = 0) ("--full must be 0: " ^ why_not_full);
  Arguments.check_threads threads;
  let allocate =
    match !size with
    | 16 -> allocate16
    | 24 -> allocate24
    | 32 -> allocate32
    | _ -> Arguments.refuse "--size must be 16, 24 or 32"
  in
  let expected = if !size = 16 then !objects * (!objects + 1) / 2 else !objects * !objects in
  let cpus = Array.make !threads 0. and walls = Array.make !threads 0. in
  let check = Crew.run !threads threshold (work allocate !objects expected cpus walls) in
  report !size cpus walls;
  Measure.print "alloc" ~threads:!threads ~operations:(!threads * !objects) ~check
