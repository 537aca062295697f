(* A thread's operations that took long, in their order. *)

(* The most that are kept; what is beyond is counted in lost. *)
let most = 1 lsl 18

type t = {
  mutable began : int array;
  mutable ended : int array;
  mutable before : int array; (* the length of those before *)
  mutable count : int;
  mutable lost : int;
}

let make () =
  let room () = Array.make 256 0 in
  { began = room (); ended = room (); before = room (); count = 0; lost = 0 }

let grow t =
  let larger from = Array.append from (Array.make (Array.length from) 0) in
  t.began <- larger t.began;
  t.ended <- larger t.ended;
  t.before <- larger t.before

let length t index = t.ended.(index) - t.began.(index)

let add t began ended =
  if t.count = most then t.lost <- t.lost + 1
  else begin
    let index = t.count in
    if index = Array.length t.began then grow t;
    t.began.(index) <- began;
    t.ended.(index) <- ended;
    t.before.(index) <- (if index = 0 then 0 else t.before.(index - 1) + length t (index - 1));
    t.count <- index + 1
  end

(* How many began before this moment. *)
let begun t moment =
  let rec search low high =
    if low = high then low
    else
      let middle = (low + high) / 2 in
      if t.began.(middle) < moment then search (middle + 1) high else search low middle
  in
  search 0 t.count

(* The time that pauses took before this moment. *)
let taken t moment =
  match begun t moment with
  | 0 -> 0
  | count ->
      let last = count - 1 in
      t.before.(last) + min t.ended.(last) moment - t.began.(last)

(* The longest time that pauses take of any window of so many ns, which is one that begins or ends
   with a pause. *)
let worst t window =
  let worst = ref 0 in
  for index = 0 to t.count - 1 do
    let began = t.began.(index) and ended = t.ended.(index) in
    worst := max !worst (taken t (began + window) - taken t began);
    worst := max !worst (taken t ended - taken t (ended - window))
  done;
  !worst
