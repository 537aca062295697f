(* Writes a tree as text into bytes that double when they are full. *)

type t = { mutable buffer : Bytes.t; mutable used : int }

let first_length = 512
let longest_number = 32

(* Makes room for so many bytes more. *)
let reserve t bytes =
  let rec enough length = if length < t.used + bytes then enough (2 * length) else length in
  let length = enough (Bytes.length t.buffer) in
  if length > Bytes.length t.buffer then begin
    let larger = Bytes.create length in
    Bytes.blit t.buffer 0 larger 0 t.used;
    t.buffer <- larger
  end

(* A byte for which there is room. *)
let[@inline] put t letter =
  Bytes.set t.buffer t.used letter;
  t.used <- t.used + 1

let write_char t letter =
  reserve t 1;
  put t letter

let write_bytes t text =
  reserve t ((2 * Bytes.length text) + 2);
  put t '"';
  for i = 0 to Bytes.length text - 1 do
    match Bytes.get text i with
    | ('"' | '\\') as letter -> put t '\\'; put t letter
    | '\n' -> put t '\\'; put t 'n'
    | '\t' -> put t '\\'; put t 't'
    | letter -> put t letter
  done;
  put t '"'

(* A sign, digits, and three decimals unless they are zero. *)
let write_number t thousandths =
  let decimals = if thousandths mod 1000 = 0 then 0 else 3 in
  let rest = ref (abs thousandths / if decimals = 0 then 1000 else 1) in
  let rec count_digits number = if number < 10 then 1 else 1 + count_digits (number / 10) in
  let digits = max (count_digits !rest) (decimals + 1) in
  reserve t longest_number;
  if thousandths < 0 then put t '-';
  let last = t.used + digits - if decimals = 0 then 1 else 0 in
  for at = last downto t.used do
    if decimals > 0 && at = last - decimals then Bytes.set t.buffer at '.'
    else begin
      Bytes.set t.buffer at (Char.unsafe_chr (Char.code '0' + (!rest mod 10)));
      rest := !rest / 10
    end
  done;
  t.used <- last + 1

let rec write_value t = function
  | Json.Number thousandths -> write_number t thousandths
  | Text text -> write_bytes t text
  | Array items -> write_items t items
  | Object parent -> write_members t parent.first

and write_items t items =
  write_char t '[';
  for i = 0 to Array.length items - 1 do
    if i > 0 then write_char t ',';
    write_value t items.(i)
  done;
  write_char t ']'

and write_members t first =
  write_char t '{';
  let rec members = function
    | Json.End -> ()
    | Pair pair as this ->
        if this != first then write_char t ',';
        write_bytes t pair.name;
        write_char t ':';
        write_value t pair.value;
        members pair.next
  in
  members first;
  write_char t '}'

(* The text ends with a zero byte; there may be more bytes. *)
let write value =
  let t = { buffer = Bytes.create first_length; used = 0 } in
  write_value t value;
  write_char t '\000';
  t.buffer
