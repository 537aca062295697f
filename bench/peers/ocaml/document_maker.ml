(* Makes a document from random numbers. *)

type t = {
  random : Splitmix.t;
  mutable left : int; (* values that may still be made, about *)
}

let least_values = 40 (* in a document, about *)
let most_values = 160
let most_members = 12
let most_items = 16
let most_levels = 6
let most_name = 16
let most_string = 200
let attachment_once = 100
let least_attachment = 4 lsl 10
let most_attachment = 28 lsl 10
let seed = 1
let plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ."
let special = "\"\\\n\t"
let between t least most = least + Splitmix.below t.random (most - least + 1)

(* Letters, digits and blanks; in one of four texts a byte that is written with a backslash. *)
let make_text t length =
  let text = Bytes.create length and letters = ref 0L in
  for i = 0 to length - 1 do
    if i land 7 = 0 then letters := Splitmix.next t.random;
    Bytes.set text i plain.[Int64.to_int !letters land 63];
    letters := Int64.shift_right_logical !letters 8
  done;
  if Splitmix.once t.random 4 then begin
    let letter = special.[between t 0 3] in
    Bytes.set text (between t 0 (length - 1)) letter
  end;
  text

let make_name t = make_text t (between t 1 most_name)

(* 1 to 200 bytes, short ones more often. *)
let make_string t =
  let one = between t 1 most_string in
  let two = between t 1 most_string in
  Json.Text (make_text t (min one two))

(* Half of them integers, small and large. *)
let make_number t =
  let random = Splitmix.next t.random in
  let number = Int64.to_int (Int64.shift_right random (between t 20 60)) in
  Json.Number (if Splitmix.once t.random 2 then number - (number mod 1000) else number)

(* The deeper, and the fewer values are left, the more likely a value without further ones. *)
let rec make_value t levels =
  let choice = between t 0 9 in
  t.left <- max 0 (t.left - 1);
  if levels > 0 && t.left > 0 && choice < 2 then make_object t (levels - 1)
  else if levels > 0 && t.left > 0 && choice < 4 then make_array t (levels - 1)
  else if choice land 1 = 1 then make_string t
  else make_number t

and make_array t levels =
  let items = Array.make (between t 0 most_items) (Json.Number 0) in
  for i = 0 to Array.length items - 1 do
    items.(i) <- make_value t levels
  done;
  Json.Array items

and make_object t levels =
  let parent = Json.Object { first = End } and last = ref Json.End in
  for _ = 1 to between t 1 most_members do
    let name = make_name t in
    let value = make_value t levels in
    last := Json.add_member parent !last name value
  done;
  parent

(* The document of that number: members are added until there are enough values. *)
let make number =
  let t = { random = Splitmix.make seed number; left = 0 } in
  t.left <- between t least_values most_values;
  let document = Json.Object { first = End } and last = ref Json.End in
  while t.left > 0 do
    let name = make_name t in
    let value = make_object t most_levels in
    last := Json.add_member document !last name value
  done;
  if Splitmix.once t.random attachment_once then begin
    let name = make_text t most_name in
    let text = make_text t (between t least_attachment most_attachment) in
    ignore (Json.add_member document !last name (Text text))
  end;
  document
