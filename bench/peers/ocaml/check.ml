(* Results are always checked; a wrong one ends the program with status 1. *)

let program = Filename.basename Sys.executable_name

let fail format =
  Printf.ksprintf
    (fun message ->
      Printf.eprintf "%s: %s\n%!" program message;
      exit 1)
    format

let equal found expected what =
  if found <> (expected : int) then fail "%s: %d instead of %d" what found expected
