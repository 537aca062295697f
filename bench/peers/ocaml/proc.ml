(* Figures of the system's, from /proc. *)

let read_lines path =
  let channel = open_in path in
  let rec lines () =
    match input_line channel with
    | line -> line :: lines ()
    | exception End_of_file -> close_in channel; []
  in
  lines ()

(* For how many ns the calling thread was runnable but not run; 0 where the kernel does not say. *)
let thread_run_delay () =
  match read_lines "/proc/thread-self/schedstat" with
  | line :: _ -> Scanf.sscanf line "%d %d" (fun _ delay -> delay)
  | [] | (exception Sys_error _) -> 0

(* A figure of /proc/self/status, in bytes. *)
let status key =
  let figure line =
    match Scanf.sscanf line "%[^:]: %d kB" (fun name kilobytes -> (name, kilobytes)) with
    | name, kilobytes when name = key -> Some (kilobytes lsl 10)
    | _ | (exception (Scanf.Scan_failure _ | Failure _ | End_of_file)) -> None
  in
  match List.find_map figure (read_lines "/proc/self/status") with
  | Some bytes -> bytes
  | None -> Check.fail "/proc/self/status has no %s" key

let resident () = status "VmRSS"
let resident_peak () = status "VmHWM"

(* Makes the peak what is resident now, where the kernel allows that. *)
let reset_peak () =
  match open_out "/proc/self/clear_refs" with
  | channel -> ( try output_string channel "5\n"; close_out channel with Sys_error _ -> ())
  | exception Sys_error _ -> ()
