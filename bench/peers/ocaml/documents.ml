(* Documents: trees of values as in JSON. An operation makes a document from the random numbers of
   its own seed, writes it as text, parses the text to a second tree, compares the two, and puts the
   second one with its text into a ring of the last documents. Checked: that both trees have the
   same hash, and that a document which leaves the ring, and each that is left at the end, still has
   it. *)

type document = Nothing | Document of { hash : int64; root : Json.value; text : Bytes.t }

let threshold = 500_000 (* ns *)

let round_trip number =
  let first = Document_maker.make number in
  let hash = Json.hash first in
  let text = Json_writer.write first in
  let root = Json_parser.parse text in
  if not (Int64.equal (Json.hash root) hash) then
    Check.fail "document %d differs when it is read back" number;
  Document { hash; root; text }

let check = function
  | Nothing -> ()
  | Document document ->
      if not (Int64.equal (Json.hash document.root) document.hash) then
        Check.fail "a document that was kept is changed"

let hash_of = function Nothing -> 0 | Document document -> Int64.to_int document.hash

(* Puts a new document in the place of the oldest; returns its hash. *)
let operate ring place number =
  let document = round_trip number in
  let oldest = ring.(place) in
  ring.(place) <- document;
  check oldest;
  hash_of document

(* Every count-th document is this member's. *)
let work documents live (member : Crew.member) =
  let places = Crew.share member live in
  let ring = Array.make places Nothing and sum = ref 0 in
  let put place number = sum := !sum + operate ring place number in
  for i = 0 to places - 1 do
    put i ((i * member.count) + member.index)
  done;
  Crew.measured member (fun recorder ->
      for i = 0 to Crew.share member documents - 1 do
        put (i mod places) (live + (i * member.count) + member.index);
        ignore (Recorder.operation recorder)
      done);
  Array.iter check ring;
  !sum

let () =
  let documents = ref 30000 and live = ref 1000 and threads = ref 1 in
  Arguments.parse "Documents made, written, parsed and kept."
    [
      Arguments.count "documents" documents "documents, of all threads";
      Arguments.count "live" live "the latest documents that are kept";
      Arguments.threads threads;
    ];
  Arguments.check_threads threads;
  Arguments.within "live" live !threads (1 lsl 28);
  let check = Crew.run !threads threshold (work !documents !live) in
  Measure.print "documents" ~threads:!threads ~operations:!documents ~check
