(* Trees of values as in JSON. With its header a number takes 16 bytes, a pair 32; the bytes of a
   text and the items of an array are objects of their own, beside 16 bytes that refer to them. *)

type value =
  | Number of int (* thousandths *)
  | Text of Bytes.t
  | Array of value array
  | Object of { mutable first : pair }

and pair = End | Pair of { name : Bytes.t; value : value; mutable next : pair }

(* Adds a member to an object behind the last one (End: the first), and returns it. *)
let add_member parent last name value =
  let pair = Pair { name; value; next = End } in
  (match (last, parent) with
  | Pair last, _ -> last.next <- pair
  | End, Object parent -> parent.first <- pair
  | End, _ -> Check.fail "only objects have members");
  pair

(* Hashes depend on all contents and their order. They are boxed where functions return them: a
   number more for each value. *)

let[@inline] hash_bytes text =
  let length = Bytes.length text in
  let words = length / 8 in
  let hash = ref (Int64.of_int length) in
  for word = 0 to words - 1 do
    let read = Bytes.get_int64_le text (8 * word) in
    let mixed = Int64.mul (Int64.logxor !hash read) 0x9e3779b97f4a7c15L in
    hash := Int64.logxor mixed (Int64.shift_right_logical mixed 32)
  done;
  for i = 8 * words to length - 1 do
    hash := Int64.add (Int64.mul !hash 31L) (Int64.of_int (Bytes.get_uint8 text i))
  done;
  !hash

let rec hash = function
  | Number thousandths -> Splitmix.mix (Int64.of_int thousandths)
  | Text text -> hash_bytes text
  | Array items -> hash_items items
  | Object parent -> hash_members parent.first 0L

and hash_items items =
  let sum = ref (Int64.of_int (Array.length items)) in
  for i = 0 to Array.length items - 1 do
    sum := Splitmix.mix (Int64.add !sum (hash items.(i)))
  done;
  !sum

and hash_members pair sum =
  match pair with
  | End -> sum
  | Pair pair ->
      let of_name = Int64.mul (hash_bytes pair.name) 3L in
      let mixed = Splitmix.mix (Int64.add (Int64.add sum of_name) (hash pair.value)) in
      hash_members pair.next mixed
