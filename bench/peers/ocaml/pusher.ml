(* Pusher: a ring of live buffers of 1 KB, the oldest of which is replaced by each push. The ring is
   full before the measured part. Checked: each buffer still holds the contents of its own number
   when it is replaced, and at the end. *)

let buffer_size = 1024 (* and 16 bytes of header and padding *)
let buffer_words = buffer_size / 8
let threshold = 50_000 (* ns *)
let get buffer word = Int64.to_int (Bytes.get_int64_ne buffer (8 * word))

let new_buffer number =
  let buffer = Bytes.create buffer_size in
  for word = 0 to buffer_words - 1 do
    Bytes.set_int64_ne buffer (8 * word) (Int64.of_int (number + word))
  done;
  buffer

(* Returns the buffer's number. *)
let check buffer number =
  for word = 0 to buffer_words - 1 do
    if get buffer word <> number + word then
      Check.fail "buffer %d is overwritten at word %d" number word
  done;
  get buffer 0

let push ring number =
  let live = Array.length ring in
  let buffer = new_buffer number in
  let replaced = check ring.(number mod live) (number - live) in
  ring.(number mod live) <- buffer;
  replaced

let run live pushes =
  let ring = Array.init live new_buffer in
  let sum = ref 0 in
  Measure.start ();
  let recorder = Recorder.make threshold in
  for number = live to live + pushes - 1 do
    sum := !sum + push ring number;
    ignore (Recorder.operation recorder)
  done;
  Measure.add recorder;
  Measure.stop ();
  for number = pushes to live + pushes - 1 do
    sum := !sum + check ring.(number mod live) number
  done;
  !sum

let () =
  let live = ref 200000 and pushes = ref 2000000 in
  Arguments.parse "A ring of live buffers, replaced one by one."
    [
      Arguments.count "live" live "buffers in the ring";
      Arguments.count "pushes" pushes "replacements after the ring is full";
    ];
  Arguments.within "live" live 1 (1 lsl 40);
  let sum = run !live !pushes in
  let count = !live + !pushes (* each number once *) in
  Check.equal sum
    (if count land 1 = 0 then count / 2 * (count - 1) else (count - 1) / 2 * count)
    "sum of the numbers";
  Measure.print "pusher" ~threads:1 ~operations:!pushes ~check:sum
