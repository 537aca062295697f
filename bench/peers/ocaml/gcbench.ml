(* Gcbench: the benchmark of Ellis, Kovac and Boehm: binary trees of many depths are built from the
   leaves up and from the root down and dropped again, while a tree and an array of numbers stay
   alive. Each thread runs the whole benchmark with its own long-lived data. Checked: the node count
   of every tree, and the array's contents. *)

(* 40 bytes with its header. *)
type tree = Empty | Node of { mutable left : tree; mutable right : tree; i : int; j : int }

let least_depth = 4
let new_node left right = Node { left; right; i = 0; j = 0 }

(* From the root down: stores into objects that have become old meanwhile. *)
let rec populate depth = function
  | Node node when depth > 0 ->
      node.left <- new_node Empty Empty;
      node.right <- new_node Empty Empty;
      populate (depth - 1) node.left;
      populate (depth - 1) node.right
  | _ -> ()

let top_down depth =
  let root = new_node Empty Empty in
  populate depth root;
  root

(* From the leaves up: only initialising stores. *)
let rec bottom_up depth =
  let left = if depth = 0 then Empty else bottom_up (depth - 1) in
  let right = if depth = 0 then Empty else bottom_up (depth - 1) in
  new_node left right

let rec count_nodes = function
  | Empty -> 0
  | Node node -> 1 + count_nodes node.left + count_nodes node.right

let tree_size depth = (2 lsl depth) - 1

let check_tree root depth =
  let nodes = count_nodes root in
  Check.equal nodes (tree_size depth) "nodes of a tree";
  nodes

(* Trees of one depth, as many as take the memory of two stretch trees, in both ways. Each is an
   operation. *)
let build_trees stretch recorder depth =
  let repeats = 2 * tree_size stretch / tree_size depth in
  let nodes = ref 0 in
  let build_with make =
    for _ = 1 to repeats do
      nodes := !nodes + check_tree (make depth) depth;
      ignore (Recorder.operation recorder)
    done
  in
  build_with top_down;
  build_with bottom_up;
  !nodes

let work stretch long length _index =
  let recorder = Recorder.make Recorder.irregular in
  let number i = 1. /. float_of_int (i + 1) in
  let nodes = ref (check_tree (bottom_up stretch) stretch) in
  let long_lived = top_down long in
  let numbers = Array.init length number in
  Recorder.mark recorder;
  for step = 0 to (long - least_depth) / 2 do
    nodes := !nodes + build_trees stretch recorder (least_depth + (2 * step))
  done;
  nodes := !nodes + check_tree long_lived long;
  let right i found = if found <> number i then Check.fail "number %d of the array is wrong" i in
  Array.iteri right numbers;
  Measure.add recorder;
  !nodes

let () =
  let stretch = ref 18 and long = ref 16 and length = ref 500000 and threads = ref 1 in
  Arguments.parse "Trees of many depths beside long-lived data."
    [
      Arguments.count "stretch" stretch "depth of the first tree";
      Arguments.count "long" long "depth of the long-lived and the largest short-lived trees";
      Arguments.count "array" length "numbers in the long-lived array";
      Arguments.threads threads;
    ];
  Arguments.within "stretch" stretch 0 29;
  Arguments.within "long" long 0 29;
  Arguments.within "array" length 0 ((1 lsl 32) - 1);
  Arguments.check_threads threads;
  Measure.start ();
  let nodes = Crew.sum !threads (work !stretch !long !length) in
  Measure.stop ();
  Measure.print "gcbench" ~threads:!threads ~operations:nodes ~check:nodes
