(* Churn: a forest of binary trees of a given live size, and three operations on it: build a list
   and drop it, swap two subtrees, replace a subtree. Every operation is timed. Checked: the number
   of nodes and the sum of their keys over the whole forest. *)

(* 48 bytes with its header. *)
type tree =
  | Empty
  | Node of {
      mutable left : tree;
      mutable right : tree;
      key : int;
      payload0 : int;
      payload1 : int;
    }

type t = {
  mutable forest : tree array;
  mutable random : Splitmix.t;
  mutable next_key : int;
  mutable key_sum : int; (* of all nodes of the forest *)
  mutable nodes_seen : int; (* by sum_keys *)
  list_times : Histogram.t;
  swap_times : Histogram.t;
  replace_times : Histogram.t;
}

let depth = 10
let tree_nodes = (2 lsl depth) - 1
let replaced_depth = 5
let list_nodes = 100
let node_size = 48
let threshold = 50_000 (* ns *)

let new_node t left right =
  let key = t.next_key in
  t.next_key <- key + 1;
  Node { left; right; key; payload0 = lnot key; payload1 = 0 }

let rec build t levels =
  let left = if levels = 0 then Empty else build t (levels - 1) in
  let right = if levels = 0 then Empty else build t (levels - 1) in
  new_node t left right

(* The sum of a subtree's keys; counts its nodes and checks each. *)
let rec sum_keys t = function
  | Empty -> 0
  | Node node ->
      if node.payload0 <> lnot node.key || node.payload1 <> 0 then
        Check.fail "a node is overwritten";
      t.nodes_seen <- t.nodes_seen + 1;
      node.key + sum_keys t node.left + sum_keys t node.right

let child tree turn =
  match tree with
  | Node node -> if turn land 1 = 0 then node.left else node.right
  | Empty -> Check.fail "a tree is not full"

let set_child tree turn value =
  match tree with
  | Node node -> if turn land 1 = 0 then node.left <- value else node.right <- value
  | Empty -> Check.fail "a tree is not full"

(* The node that these turns lead to, in levels - 1 steps. *)
let rec owner tree turns levels =
  if levels = 1 then tree else owner (child tree turns) (turns lsr 1) (levels - 1)

let random_tree t = t.forest.(Splitmix.below t.random (Array.length t.forest))

let make_list t =
  let rec extend list count = if count > 0 then extend (new_node t list Empty) (count - 1) in
  extend Empty list_nodes

(* Both subtrees hang at the same depth, so all trees stay full; they may be in one tree. *)
let swap_subtrees t =
  let levels = 1 + Splitmix.below t.random depth in
  let one_tree = random_tree t in
  let one_turns = Splitmix.bits t.random in
  let two_tree = random_tree t in
  let two_turns = Splitmix.bits t.random in
  let one = owner one_tree one_turns levels and two = owner two_tree two_turns levels in
  let one_turn = one_turns lsr (levels - 1) and two_turn = two_turns lsr (levels - 1) in
  let first = child one one_turn and second = child two two_turn in
  set_child one one_turn second;
  set_child two two_turn first

let levels = depth - replaced_depth

let replace_subtree t =
  let fresh = build t replaced_depth in
  let tree = random_tree t in
  let turns = Splitmix.bits t.random in
  set_child (owner tree turns levels) (turns lsr (levels - 1)) fresh

(* The sum of the keys of the subtree that replace_subtree will take away. *)
let sum_of_replaced t =
  let random = t.random in
  t.random <- Splitmix.copy random;
  let tree = random_tree t in
  let turns = Splitmix.bits t.random in
  t.random <- random;
  sum_keys t (child (owner tree turns levels) (turns lsr (levels - 1)))

let timed t recorder operation =
  Recorder.mark recorder;
  operation t;
  Recorder.operation recorder

(* The keys that one replacement adds and removes are counted outside the timed part. *)
let timed_replace t recorder =
  let first_key = t.next_key in
  t.nodes_seen <- 0;
  t.key_sum <- t.key_sum - sum_of_replaced t;
  let taken = timed t recorder replace_subtree in
  t.key_sum <- t.key_sum + (t.nodes_seen * first_key) + (t.nodes_seen * (t.nodes_seen - 1) / 2);
  taken

let operate t recorder =
  let choice = Splitmix.below t.random 10 in
  if choice < 4 then Histogram.add t.list_times (timed t recorder make_list)
  else if choice < 7 then Histogram.add t.swap_times (timed t recorder swap_subtrees)
  else Histogram.add t.replace_times (timed_replace t recorder)

let plant seed trees =
  let times = Histogram.make in
  let t =
    {
      forest = Array.make trees Empty; random = Splitmix.make seed 0;
      next_key = 0; key_sum = 0; nodes_seen = 0;
      list_times = times (); swap_times = times (); replace_times = times ();
    }
  in
  for i = 0 to trees - 1 do
    t.forest.(i) <- build t depth
  done;
  t.key_sum <- t.next_key * (t.next_key - 1) / 2;
  t

let check_forest t =
  t.nodes_seen <- 0;
  let sum = Array.fold_left (fun sum tree -> sum + sum_keys t tree) 0 t.forest in
  Check.equal t.nodes_seen (Array.length t.forest * tree_nodes) "nodes of the forest";
  Check.equal sum t.key_sum "sum of the keys"

let run t operations =
  let keys_before = t.next_key in
  Measure.start ();
  let recorder = Recorder.make threshold in
  for _ = 1 to operations do
    operate t recorder
  done;
  Measure.add recorder;
  Measure.stop ();
  check_forest t;
  (t.next_key - keys_before) * node_size

let () =
  let live = ref (64 lsl 20) and operations = ref 500000 and seed = ref 1 in
  Arguments.parse "A forest of given size under change; times of each operation."
    [
      Arguments.count "live" live "bytes that stay alive";
      Arguments.count "operations" operations "how many";
      Arguments.count "seed" seed "of the random choices";
    ];
  let trees = !live / (tree_nodes * node_size) in
  Arguments.require
    (trees > 0 && trees < (1 lsl 32) - 1)
    "--live must be at least 100K, and less than 300T";
  let t = plant !seed trees in
  let allocated = run t !operations in
  Measure.field (Measure.count "live" (trees * tree_nodes * node_size));
  Measure.field (Measure.count "allocated" allocated);
  Measure.field (Measure.times "list" t.list_times);
  Measure.field (Measure.times "swap" t.swap_times);
  Measure.field (Measure.times "replace" t.replace_times);
  Measure.print "churn" ~threads:1 ~operations:!operations ~check:t.key_sum
