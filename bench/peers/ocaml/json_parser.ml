(* Makes a tree of a text that ends with a zero byte. *)

type t = { text : Bytes.t; mutable at : int }

let first_items = 4
let[@inline] peek t = Bytes.get t.text t.at
let[@inline] skip t = t.at <- t.at + 1

let[@inline] next t =
  let letter = peek t in
  skip t;
  letter

let accept t letter =
  let same = peek t = letter in
  if same then skip t;
  same

let expect t letter =
  if not (accept t letter) then Check.fail "%C in a text instead of %C" (peek t) letter

(* The bytes between the quotes, each escape counted as one. *)
let text_length t =
  let rec count at length =
    match Bytes.get t.text at with
    | '\000' | '"' -> length
    | '\\' when Bytes.get t.text (at + 1) <> '\000' -> count (at + 2) (length + 1)
    | _ -> count (at + 1) (length + 1)
  in
  count t.at 0

let unescape = function 'n' -> '\n' | 't' -> '\t' | letter -> letter

let parse_bytes t =
  expect t '"';
  let text = Bytes.create (text_length t) in
  for i = 0 to Bytes.length text - 1 do
    let letter = next t in
    Bytes.set text i (if letter = '\\' then unescape (next t) else letter)
  done;
  expect t '"';
  text

let at_digit t = match peek t with '0' .. '9' -> true | _ -> false

let parse_digits t before =
  let number = ref before in
  while at_digit t do
    number := (10 * !number) + Char.code (next t) - Char.code '0'
  done;
  !number

let parse_number t =
  let negative = accept t '-' in
  if not (at_digit t) then Check.fail "%C in a number" (peek t);
  let whole = parse_digits t 0 in
  let thousandths = if accept t '.' then parse_digits t whole else whole * 1000 in
  Json.Number (if negative then -thousandths else thousandths)

let filler = Json.Number 0

let copy_items items count length =
  let copy = Array.make length filler in
  Array.blit items 0 copy 0 count;
  copy

let rec parse_value t =
  match peek t with
  | '{' -> parse_object t
  | '[' -> parse_array t
  | '"' -> Json.Text (parse_bytes t)
  | _ -> parse_number t

(* Items are gathered in an array that doubles, and copied to one of their number. *)
and parse_array t =
  expect t '[';
  let items = ref (Array.make first_items filler) and count = ref 0 in
  while peek t <> ']' do
    if !count > 0 then expect t ',';
    if !count = Array.length !items then items := copy_items !items !count (2 * !count);
    let item = parse_value t in
    !items.(!count) <- item;
    incr count
  done;
  expect t ']';
  Json.Array (copy_items !items !count !count)

and parse_object t =
  let parent = Json.Object { first = End } in
  expect t '{';
  let last = ref Json.End in
  while peek t <> '}' do
    if !last != Json.End then expect t ',';
    let name = parse_bytes t in
    expect t ':';
    let value = parse_value t in
    last := Json.add_member parent !last name value
  done;
  expect t '}';
  parent

let parse text =
  let t = { text; at = 0 } in
  let value = parse_value t in
  expect t '\000';
  value
