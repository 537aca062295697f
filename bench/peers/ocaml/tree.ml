(* Tree: small garbage beside a large live structure. Every thread has a binary tree of its own;
   together they have about the nodes of one tree of the given depth. An operation builds a list of
   100 items, adds it up and drops it; every tenth also replaces a random subtree of depth 3.
   Checked: the sum of every list; at the end the shape of the trees and a hash of the tags of all
   their nodes. *)

(* 32 bytes, for the header has no room for the tag; elsewhere 24. *)
type tree = Empty | Node of { mutable left : tree; mutable right : tree; tag : int }

(* 24 bytes. *)
type items = Nil | Item of { next : items; value : int }

type worker = {
  depth : int;
  random : Splitmix.t;
  mutable tree : tree;
  mutable nodes_made : int; (* the next tag *)
}

let item_count = 100
let replaced_depth = 3
let replace_every = 10
let seed = 1
let threshold = 50_000 (* ns *)

let rec build worker levels =
  let left = if levels = 0 then Empty else build worker (levels - 1) in
  let right = if levels = 0 then Empty else build worker (levels - 1) in
  let tag = worker.nodes_made land 0xffff in
  worker.nodes_made <- worker.nodes_made + 1;
  Node { left; right; tag }

(* Checks that the tree is full. *)
let rec hash levels = function
  | Empty -> Check.fail "a subtree of depth %d is missing" levels
  | Node { left = Empty; right = Empty; tag } when levels = 0 -> Splitmix.mix (Int64.of_int tag)
  | Node { left; right; tag } ->
      if levels = 0 then Check.fail "a leaf has children";
      let left = hash (levels - 1) left in
      let right = hash (levels - 1) right in
      Int64.add (Splitmix.mix2 left right) (Int64.of_int tag)

let make_list first =
  let rec extend next value =
    if value = first + item_count then next else extend (Item { next; value }) (value + 1)
  in
  extend Nil first

let list_and_drop first =
  let rec sum total = function Nil -> total | Item item -> sum (total + item.value) item.next in
  let expected = (item_count * first) + (item_count * (item_count - 1) / 2) in
  Check.equal (sum 0 (make_list first)) expected "sum of a list"

let replace_subtree worker =
  let fresh = build worker replaced_depth in
  let rec replace levels turns = function
    | Empty -> Check.fail "a tree is not full"
    | Node node when levels > replaced_depth + 1 ->
        replace (levels - 1) (turns lsr 1) (if turns land 1 = 0 then node.left else node.right)
    | Node node -> if turns land 1 = 0 then node.left <- fresh else node.right <- fresh
  in
  replace worker.depth (Splitmix.bits worker.random) worker.tree

let operate worker count recorder =
  for i = 0 to count - 1 do
    list_and_drop i;
    if i mod replace_every = 0 then replace_subtree worker;
    ignore (Recorder.operation recorder)
  done

let work depth operations (member : Crew.member) =
  let random = Splitmix.make seed member.index in
  let worker = { depth; random; tree = Empty; nodes_made = 0 } in
  worker.tree <- build worker depth;
  Crew.measured member (operate worker (Crew.share member operations));
  Int64.to_int (hash depth worker.tree) lxor worker.nodes_made

(* The depth at which the trees of all threads have no more nodes than one of the whole depth. *)
let own_depth depth threads =
  let rec halve levels parts =
    if parts >= threads then levels else halve (levels - 1) (2 * parts)
  in
  halve depth 1

let () =
  let depth = ref 20 and operations = ref 1000000 and threads = ref 1 in
  Arguments.parse "Small garbage beside a large live tree."
    [
      Arguments.count "depth" depth "depth of the tree that all threads share out";
      Arguments.count "operations" operations "lists, of all threads";
      Arguments.threads threads;
    ];
  Arguments.within "depth" depth 0 31;
  Arguments.check_threads threads;
  let levels = own_depth !depth !threads in
  Arguments.require (levels > replaced_depth)
    "--depth is too small: each thread's part must be deeper than 3";
  let check = Crew.run !threads threshold (work levels !operations) in
  Measure.field (Measure.count "live" (32 lsl (!depth + 1)));
  Measure.print "tree" ~threads:!threads ~operations:!operations ~check
