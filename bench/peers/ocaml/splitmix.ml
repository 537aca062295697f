(* Random numbers that replay from a seed in every language: splitmix64. The state is in bytes, so
   that no 64-bit number is boxed. *)

type t = Bytes.t

let gamma = 0x9e3779b97f4a7c15L

(* A bijection of 64 bits that scatters neighbours. *)
let[@inline] mix x =
  let open Int64 in
  let x = mul (logxor x (shift_right_logical x 30)) 0xbf58476d1ce4e5b9L in
  let x = mul (logxor x (shift_right_logical x 27)) 0x94d049bb133111ebL in
  logxor x (shift_right_logical x 31)

let[@inline] mix2 a b = mix (Int64.add (mix a) (Int64.mul gamma (Int64.succ b)))

(* A sequence of its own for every pair of seed and stream. *)
let make seed stream =
  let state = Bytes.create 8 in
  Bytes.set_int64_ne state 0 (mix2 (Int64.of_int seed) (Int64.of_int stream));
  state

let copy = Bytes.copy

let[@inline] next state =
  let value = Int64.add (Bytes.get_int64_ne state 0) gamma in
  Bytes.set_int64_ne state 0 value;
  mix value

(* The lower 63 bits. *)
let bits state = Int64.to_int (next state)

(* From 0 to limit - 1. *)
let below state limit =
  let open Int64 in
  let high = shift_right_logical (next state) 32 in
  to_int (shift_right_logical (mul high (of_int limit)) 32)

(* True once in n times. *)
let once state n = below state n = 0
