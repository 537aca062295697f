(* Cache: a hash table whose entries expire. An operation looks up a key; small numbers are drawn
   more often than large ones. When the key has no entry, or an expired one, its value is made and
   inserted. Every operation also moves the shard's clock hand over a few buckets and drops what has
   expired there. Time is counted in a shard's operations. Checked: the contents of every value
   used; at the end the number and contents of all entries. *)

(* 40 bytes with its header. A value takes 16 bytes more than its words; the last word is the
   checksum of the others and the key. *)
type chain =
  | End
  | Entry of { key : int; value : Bytes.t; mutable expiry : int; mutable next : chain }

(* The table's part for some of the hashes. All the rest is used under its lock. *)
type shard = {
  lock : Mutex.t;
  buckets : chain array;
  lifetime : int;
  mutable tick : int;
  mutable hand : int;
  mutable entries : int;
}

type worker = {
  table : shard array;
  keys : int; (* that are drawn *)
  random : Splitmix.t;
  mutable sum : int;
  mutable hits : int;
  mutable waits : int;
}

let shards = 16
let swept = 2 (* buckets that the hand looks at in each operation *)
let keys = 4 (* times the entries *)
let least_words = 8 (* a value has 64 to 512 bytes *)
let most_words = 64
let lifetime = 1693 (* in thousandths of the entries, in operations *)
let seed = 1L
let threshold = 50_000 (* ns *)
let[@inline] hash_of key = Splitmix.mix2 seed (Int64.of_int key)

(* Without the last word. *)
let[@inline] checksum value key =
  let sum = ref (Int64.of_int key) in
  for word = 0 to (Bytes.length value / 8) - 2 do
    let turned = Int64.(logor (shift_left !sum 7) (shift_right_logical !sum 57)) in
    sum := Int64.add turned (Bytes.get_int64_ne value (8 * word))
  done;
  !sum

let make_value key =
  let word = ref (hash_of key) in
  let high = Int64.to_int (Int64.shift_right_logical !word 32) in
  let last = least_words + (high mod (most_words - least_words + 1)) - 1 in
  let value = Bytes.create (8 * (last + 1)) in
  for i = 0 to last - 1 do
    word := Int64.(succ (mul !word 0x5851f42d4c957f2dL));
    Bytes.set_int64_ne value (8 * i) !word
  done;
  Bytes.set_int64_ne value (8 * last) (checksum value key);
  value

(* Verifies the value; returns the lower bits of its sum. *)
let use_value value key =
  let sum = checksum value key in
  if not (Int64.equal sum (Bytes.get_int64_ne value (Bytes.length value - 8))) then
    Check.fail "the value of key %d is overwritten" key;
  Int64.to_int sum

let make_shard entries =
  let rec enough length = if length * shards < entries then enough (2 * length) else length in
  {
    lock = Mutex.create (); buckets = Array.make (enough 1) End;
    lifetime = entries * lifetime / 1000 / shards; tick = 0; hand = 0; entries = 0;
  }

(* The lower 63 bits of a hash are enough for both. *)
let shard_of table hash = table.(hash land (shards - 1))
let bucket_of shard hash = (hash lsr 4) land (Array.length shard.buckets - 1)

let rec find key = function
  | Entry entry as chain -> if entry.key = key then chain else find key entry.next
  | End -> End

let is_expired tick = function Entry entry -> entry.expiry <= tick | End -> false
let has_key key = function Entry entry -> entry.key = key | End -> false

(* Drops those entries of a chain for which the condition holds of the number; `before` is what
   stands before the chain in its bucket, or End. *)
let rec drop shard bucket condition number before chain =
  match chain with
  | End -> ()
  | Entry entry when condition number chain ->
      (match before with
      | End -> shard.buckets.(bucket) <- entry.next
      | Entry before -> before.next <- entry.next);
      shard.entries <- shard.entries - 1;
      drop shard bucket condition number before entry.next
  | Entry entry -> drop shard bucket condition number chain entry.next

let move_hand shard =
  for _ = 1 to swept do
    let bucket = shard.hand land (Array.length shard.buckets - 1) in
    drop shard bucket is_expired shard.tick End shard.buckets.(bucket);
    shard.hand <- shard.hand + 1
  done

(* Puts the entry at the head of its chain, in place of another of its key. *)
let insert shard hash = function
  | End -> ()
  | Entry fresh as chain ->
      let bucket = bucket_of shard hash in
      drop shard bucket has_key fresh.key End shard.buckets.(bucket);
      fresh.expiry <- shard.tick + shard.lifetime;
      fresh.next <- shard.buckets.(bucket);
      shard.buckets.(bucket) <- chain;
      shard.entries <- shard.entries + 1

let check_shard shard =
  let rec count seen = function
    | End -> seen
    | Entry entry ->
        ignore (use_value entry.value entry.key);
        count (seen + 1) entry.next
  in
  Check.equal (Array.fold_left count 0 shard.buckets) shard.entries "entries"

let lock worker shard =
  if not (Mutex.try_lock shard.lock) then begin
    worker.waits <- worker.waits + 1;
    Mutex.lock shard.lock
  end

(* Uses the key's value if it has one that has not expired. *)
let look_up worker shard hash key =
  lock worker shard;
  shard.tick <- shard.tick + 1;
  let hit =
    match find key shard.buckets.(bucket_of shard hash) with
    | Entry entry when entry.expiry > shard.tick ->
        worker.sum <- worker.sum + use_value entry.value key;
        true
    | _ -> false
  in
  move_hand shard;
  Mutex.unlock shard.lock;
  hit

let make_and_insert worker shard hash key =
  let value = make_value key in
  let fresh = Entry { key; value; expiry = 0; next = End } in
  worker.sum <- worker.sum + use_value value key;
  lock worker shard;
  insert shard hash fresh;
  Mutex.unlock shard.lock

(* The integer part of keys * x * y, for two uniform numbers x and y. *)
let draw_key worker =
  let open Int64 in
  let drawn = Splitmix.next worker.random in
  let product = mul (shift_right_logical drawn 32) (logand drawn 0xffffffffL) in
  (to_int (shift_right_logical product 32) * worker.keys) lsr 32

let operate worker =
  let key = draw_key worker in
  let hash = Int64.to_int (hash_of key) in
  let shard = shard_of worker.table hash in
  if look_up worker shard hash key then worker.hits <- worker.hits + 1
  else make_and_insert worker shard hash key

let measure worker count recorder =
  worker.hits <- 0;
  worker.waits <- 0;
  for _ = 1 to count do
    operate worker;
    ignore (Recorder.operation recorder)
  done

let work table entries operations (member : Crew.member) hits waits =
  let random = Splitmix.make (Int64.to_int seed) member.index in
  let worker = { table; keys = entries * keys; random; sum = 0; hits = 0; waits = 0 } in
  for _ = 1 to Crew.share member (2 * entries) do
    operate worker
  done;
  Crew.measured member (measure worker (Crew.share member operations));
  Array.iteri (fun i shard -> if i mod member.count = member.index then check_shard shard) table;
  hits.(member.index) <- worker.hits;
  waits.(member.index) <- worker.waits;
  worker.sum

let () =
  let entries = ref 200000 and operations = ref 2000000 and threads = ref 1 in
  Arguments.parse "A cache whose entries expire."
    [
      Arguments.count "entries" entries "entries alive, about";
      Arguments.count "operations" operations "lookups, of all threads";
      Arguments.threads threads;
    ];
  Arguments.within "entries" entries 100 (1 lsl 28);
  Arguments.check_threads threads;
  let table = Array.init shards (fun _ -> make_shard !entries) in
  let hits = Array.make !threads 0 and waits = Array.make !threads 0 in
  let work member = work table !entries !operations member hits waits in
  let check = Crew.run !threads threshold work in
  let sum = Array.fold_left ( + ) 0 in
  Measure.field (Measure.count "hits" (sum hits));
  Measure.field (Measure.count "lock_waits" (sum waits));
  Measure.print "cache" ~threads:!threads ~operations:!operations ~check
