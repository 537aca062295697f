(* Binarytrees: full binary trees of depths 4 to N, many of the small ones and few of the large
   ones, shared out among threads, beside one long-lived tree. The trees of the least depth are
   timed in batches. Checked: the node count of every tree, and the sum over all. *)

type tree = Empty | Node of tree * tree (* 24 bytes with its header *)

let least_depth = 4
let step = 2
let batch = 32 (* trees of the least depth: 992 nodes *)

let rec build levels =
  let left = if levels = 0 then Empty else build (levels - 1) in
  let right = if levels = 0 then Empty else build (levels - 1) in
  Node (left, right)

let rec count_nodes = function
  | Empty -> 0
  | Node (left, right) -> 1 + count_nodes left + count_nodes right

let tree_size levels = (2 lsl levels) - 1

let build_and_count levels =
  let nodes = count_nodes (build levels) in
  Check.equal nodes (tree_size levels) "nodes of a tree";
  nodes

let repeats depth levels = 1 lsl (depth - levels + least_depth)

(* The small trees. Every threads-th is this thread's; what does not fill a batch is not timed. *)
let build_batches depth threads index recorder =
  let nodes = ref 0 and trees = ref 0 in
  let index = ref index in
  Recorder.mark recorder;
  while !index < repeats depth least_depth do
    nodes := !nodes + build_and_count least_depth;
    incr trees;
    if !trees mod batch = 0 then ignore (Recorder.operation recorder);
    index := !index + threads
  done;
  !nodes

let build_larger depth threads index =
  let rec trees levels index nodes =
    if index >= repeats depth levels then nodes
    else trees levels (index + threads) (nodes + build_and_count levels)
  in
  let rec depths levels nodes =
    if levels > depth then nodes else depths (levels + step) (trees levels index nodes)
  in
  depths (least_depth + step) 0

let work depth threads index =
  let recorder = Recorder.make Recorder.irregular in
  let small = build_batches depth threads index recorder in
  let larger = build_larger depth threads index in
  Measure.add recorder;
  small + larger

let rec nodes_expected depth levels =
  if levels > depth then 0
  else (repeats depth levels * tree_size levels) + nodes_expected depth (levels + step)

let run depth threads =
  let recorder = Recorder.make Recorder.irregular in
  ignore (build_and_count (depth + 1));
  let long_lived = build depth in
  let nodes = Crew.sum threads (work depth threads) in
  Check.equal (count_nodes long_lived) (tree_size depth) "nodes of the long-lived tree";
  Measure.add recorder;
  Check.equal nodes (nodes_expected depth least_depth) "nodes of all trees";
  nodes

let () =
  let depth = ref 16 and threads = ref 2 in
  Arguments.parse "Full binary trees, built and dropped."
    [
      Arguments.count "depth" depth "depth of the largest short-lived trees, at least 4";
      Arguments.threads threads;
    ];
  Arguments.within "depth" depth least_depth 29;
  Arguments.check_threads threads;
  Measure.start ();
  let nodes = run !depth !threads in
  Measure.stop ();
  Measure.field (Measure.count "depth" !depth);
  Measure.print "binarytrees" ~threads:!threads ~operations:nodes ~check:nodes
