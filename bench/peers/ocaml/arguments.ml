(* The command line: --NAME VALUE; --help prints what there is. *)

let refuse message =
  Printf.eprintf "%s: %s\n%!" Check.program message;
  exit 2

let require condition message = if not condition then refuse message

let multiplier = function
  | 'K' | 'k' -> 1 lsl 10
  | 'M' | 'm' -> 1 lsl 20
  | 'G' | 'g' -> 1 lsl 30
  | _ -> 1

(* K, M and G multiply by powers of 1024. *)
let number name text =
  let bad () = raise (Arg.Bad (Printf.sprintf "'%s' is no value for --%s" text name)) in
  let length = String.length text in
  if length = 0 then bad ();
  let factor = multiplier text.[length - 1] in
  let digits = if factor > 1 then String.sub text 0 (length - 1) else text in
  let is_digit letter = letter >= '0' && letter <= '9' in
  if not (String.for_all is_digit digits) then bad ();
  match int_of_string_opt digits with
  | Some value when value <= max_int / factor -> value * factor
  | _ -> bad ()

let count name value help =
  let set text = value := number name text in
  ("--" ^ name, Arg.String set, Printf.sprintf " %s (%d)" help !value)

let within name value least most =
  require
    (!value >= least && !value <= most)
    (Printf.sprintf "--%s must be %d to %d" name least most)

let threads value = count "threads" value "threads, of which one runs at a time"

let check_threads value =
  within "threads" value 1 4096;
  if !value > 1 then
    Printf.eprintf "%s: this OCaml runs one thread at a time\n%!" Check.program

(* Every program takes --heap, which says nothing here: the heap has no limit, and what it takes
   beside live data is OCAMLRUNPARAM's. *)
let parse about specs =
  let heap = ref 0 in
  let specs = specs @ [ count "heap" heap "ignored: OCaml's heap has no limit" ] in
  let unexpected word = raise (Arg.Bad (Printf.sprintf "unexpected '%s'" word)) in
  let usage = Printf.sprintf "usage: %s [--NAME VALUE]...\n%s" Check.program about in
  try Arg.parse_argv Sys.argv (Arg.align specs) unexpected usage with
  | Arg.Help text ->
      print_string text;
      exit 0
  | Arg.Bad text ->
      prerr_endline (List.hd (String.split_on_char '\n' text));
      exit 2
