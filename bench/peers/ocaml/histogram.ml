(* A log-linear histogram of ns with 8 steps for each power of two, as lull_histogram. *)

let buckets = 320

type t = { mutable count : int; mutable sum : int; mutable max : int; bucket : int array }

let make () = { count = 0; sum = 0; max = 0; bucket = Array.make buckets 0 }

let bucket_of ns =
  let value = ref ns and shift = ref 0 in
  while !value >= 16 do
    value := !value lsr 1;
    incr shift
  done;
  min ((8 * !shift) + !value) (buckets - 1)

let low bucket = if bucket < 8 then bucket else (8 + (bucket mod 8)) lsl ((bucket / 8) - 1)

let add t ns =
  let bucket = bucket_of ns in
  t.bucket.(bucket) <- t.bucket.(bucket) + 1;
  t.count <- t.count + 1;
  t.sum <- t.sum + ns;
  if ns > t.max then t.max <- ns

let merge t other =
  Array.iteri (fun b n -> t.bucket.(b) <- t.bucket.(b) + n) other.bucket;
  t.count <- t.count + other.count;
  t.sum <- t.sum + other.sum;
  t.max <- max t.max other.max

(* The value below which this share of the values lie: a bucket's upper end, never above max. *)
let quantile t share =
  let rank = max 1 (int_of_float (ceil (share *. float_of_int t.count))) in
  let rec find bucket counted =
    let counted = counted + t.bucket.(bucket) in
    if bucket = buckets - 1 then t.max
    else if counted >= rank then min (low (bucket + 1) - 1) t.max
    else find (bucket + 1) counted
  in
  find 0 0
