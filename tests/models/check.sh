#!/bin/sh
# check.sh: searches the protocol models and their mutants exhaustively.
#
#   check.sh [fast|nightly] [MODEL...]   run the table below (fast is the default)
#   check.sh replay MODEL [FLAG...]      search one variant; print the shortest
#                                        counterexample found as a trace
#   check.sh list [fast|nightly]         print the table of runs
#
# Each run prints one line: ok or WRONG, model, flags, the expected and the
# found result, states stored, depth reached, seconds. "pass" means that the
# search was complete (not cut by depth, memory or time) and met no error;
# "fail" means that an assertion was violated or an end state was invalid.
# Anything else is "broken" and never expected. Exit status: 0 when every run
# gave what the table expects, 1 when one did not, 2 on a usage error or when
# spin or gcc is missing.
#
# JOBS is the number of searches at a time (default: processors, at most 4),
# MEMORY what all of them together may use, in MB (4000; nightly 16000).
# Works from any directory and writes only to a scratch directory of its own.

set -u
here=$(cd "$(dirname "$0")" && pwd) || exit 2
self=$here/$(basename "$0")

# The table: a line per run. Columns: when (f: fast and nightly, n: nightly
# only), size (s, m, l: how far the search goes, hence how to compile it),
# expected result, model, flags of spin.
table() {
  cat <<'TABLE'
f l pass claim
f m pass claim  -DSEQCST
f s fail claim  -DMUTANT=1
f s fail claim  -DMUTANT=2
f s fail claim  -DMUTANT=3
f s fail claim  -DMUTANT=4
f m fail claim  -DMUTANT=5
f s fail claim  -DMUTANT=6
f s fail claim  -DMUTANT=7
f s fail claim  -DMUTANT=8
f s fail claim  -DMUTANT=9
n l pass claim  -DLIVES=2 -DREQS=3
f l pass weak   -DOPS=2
f l pass weak   -DOPS=2 -DMUTANT=10
f l pass weak   -DOPS=2 -DREVIVE
f s fail weak   -DOPS=2 -DMUTANT=1
f s fail weak   -DOPS=2 -DMUTANT=2
f s fail weak   -DOPS=2 -DMUTANT=3
f s fail weak   -DOPS=2 -DMUTANT=4
f s fail weak   -DOPS=2 -DMUTANT=5
f s fail weak   -DOPS=2 -DMUTANT=6
f s fail weak   -DOPS=2 -DMUTANT=7
f s fail weak   -DOPS=2 -DMUTANT=8
f s fail weak   -DOPS=2 -DMUTANT=9
f m fail weak   -DOPS=2 -DREVIVE -DMUTANT=11
f m fail weak   -DOPS=2 -DREVIVE -DMUTANT=12
f m fail weak   -DOPS=2 -DREVIVE -DMUTANT=13
f m fail weak   -DOPS=2 -DREVIVE -DMUTANT=14
f m fail weak   -DOPS=2 -DREVIVE -DMUTANT=15
n l pass weak   -DOPS=3
f l pass start  -DOPS0=1 -DOPS1=1
f l pass start  -DOPS0=1 -DOPS1=1 -DCYCLES=2
f l pass start  -DOPS0=1 -DOPS1=1 -DMAJOR -DCYCLES=2
f l pass start  -DOPS0=1 -DOPS1=1 -DMUTANT=25
f l pass start  -DOPS0=1 -DOPS1=1 -DXCHG
f l pass start  -DOPS0=1 -DOPS1=1 -DROOTS=2
f l pass start  -DOPS0=1 -DOPS1=2 -DROOTS=2 -DINIT=3
f l pass start  -DOPS0=1 -DOPS1=1 -DDIRECT
f l pass start  -DOPS0=1 -DOPS1=1 -DDIRECT -DMAJOR -DCYCLES=2
f s fail start  -DOPS0=1 -DOPS1=1 -DMUTANT=3
f s fail start  -DOPS0=1 -DOPS1=1 -DMUTANT=4
f s fail start  -DOPS0=1 -DOPS1=1 -DMUTANT=8
f s fail start  -DOPS0=1 -DOPS1=1 -DMUTANT=9
f s fail start  -DOPS0=1 -DOPS1=1 -DMUTANT=13
f s fail start  -DOPS0=1 -DOPS1=1 -DMUTANT=14
f s fail start  -DOPS0=1 -DOPS1=1 -DMUTANT=18
f s fail start  -DOPS0=1 -DOPS1=1 -DMUTANT=21
f s fail start  -DOPS0=1 -DOPS1=1 -DMAJOR -DMUTANT=23
f s fail start  -DOPS0=1 -DOPS1=2 -DMAJOR -DMUTANT=10
f s fail start  -DOPS0=1 -DOPS1=2 -DMUTANT=1
f s fail start  -DOPS0=1 -DOPS1=2 -DMUTANT=2
f s fail start  -DOPS0=1 -DOPS1=2 -DMUTANT=6
f s fail start  -DOPS0=1 -DOPS1=2 -DMUTANT=7
f s fail start  -DOPS0=1 -DOPS1=2 -DMUTANT=19
f s fail start  -DINIT=2 -DOPS0=1 -DOPS1=2 -DMUTANT=5
f s fail start  -DNOROOT -DBIRTHS=0 -DMUTANT=15
f m fail start  -DNOROOT -DBIRTHS=1 -DMUTANT=17
f l fail start  -DBIRTHS=1 -DINIT=6 -DMUTANT=16
f s fail start  -DNOROOT -DBIRTHS=0 -DINIT=5 -DOPS0=2 -DOPS1=1 -DMUTANT=20
f s fail start  -DNOROOT -DBIRTHS=0 -DINIT=4 -DMAJOR -DOPS0=3 -DOPS1=1 -DMUTANT=12
f s fail start  -DOPS0=1 -DOPS1=1 -DMUTANT=26
f s fail start  -DOPS0=1 -DOPS1=1 -DMUTANT=29
f s fail start  -DOPS0=1 -DOPS1=1 -DMUTANT=30
f s fail start  -DOPS0=1 -DOPS1=1 -DMUTANT=31
f s fail start  -DOPS0=1 -DOPS1=1 -DMUTANT=32
f s fail start  -DOPS0=1 -DOPS1=1 -DXCHG -DMUTANT=27
f s fail start  -DOPS0=1 -DOPS1=1 -DXCHG -DMUTANT=28
f s fail start  -DOPS0=2 -DOPS1=0 -DMAJOR -DCYCLES=2 -DMUTANT=33
f l pass start  -DOPS0=1 -DOPS1=1 -DMAJOR -DCYCLES=2 -DPUSH
f m pass start  -DOPS0=2 -DOPS1=0 -DPUSH
f l pass start  -DOPS0=1 -DOPS1=1 -DINIT=4 -DMAJOR -DCYCLES=2 -DPUSH -DMUTANT=34
f s fail start  -DOPS0=0 -DOPS1=1 -DINIT=4 -DMAJOR -DMUTANT=35
f s fail start  -DOPS0=2 -DOPS1=0 -DMAJOR -DPUSH -DMUTANT=36
f s fail start  -DOPS0=1 -DOPS1=1 -DMUTANT=37
f s fail start  -DOPS0=2 -DOPS1=0 -DPUSH -DMUTANT=38
n l pass start  -DOPS0=1 -DOPS1=2
n l pass start  -DOPS0=1 -DOPS1=2 -DMAJOR
n l pass start  -DOPS0=1 -DOPS1=2 -DMUTANT=10
n l pass start  -DOPS0=1 -DOPS1=2 -DMUTANT=11
n l pass start  -DOPS0=1 -DOPS1=2 -DMUTANT=24
n l pass start  -DOPS0=1 -DOPS1=2 -DMAJOR -DMUTANT=24
n l pass start  -DOPS0=1 -DOPS1=2 -DXCHG -DINIT=2
n l pass start  -DOPS0=2 -DOPS1=2 -DROOTS=2 -DINIT=3
n l pass start  -DOPS0=1 -DOPS1=2 -DDIRECT -DINIT=2
n l pass start  -DOPS0=1 -DOPS1=2 -DDIRECT -DMAJOR
f l pass blocks -DKINDS=1 -DOPS0=1 -DOPS1=1
f l pass blocks -DKINDS=0 -DOPS0=1 -DOPS1=1
f l pass blocks -DKINDS=1 -DOPS0=1 -DOPS1=1 -DMUTANT=8
f l pass blocks -DKINDS=1 -DOPS0=1 -DOPS1=1 -DMUTANT=16
f s fail blocks -DKINDS=1 -DOPS0=1 -DOPS1=1 -DMUTANT=1
f s fail blocks -DKINDS=1 -DOPS0=1 -DOPS1=1 -DMUTANT=2
f s fail blocks -DKINDS=1 -DOPS0=1 -DOPS1=1 -DMUTANT=3
f s fail blocks -DKINDS=1 -DOPS0=1 -DOPS1=1 -DMUTANT=4
f s fail blocks -DKINDS=1 -DOPS0=1 -DOPS1=1 -DMUTANT=5
f s fail blocks -DKINDS=1 -DOPS0=1 -DOPS1=1 -DMUTANT=6
f s fail blocks -DKINDS=1 -DOPS0=1 -DOPS1=1 -DMUTANT=7
f s fail blocks -DKINDS=1 -DOPS0=1 -DOPS1=1 -DMUTANT=9
f s fail blocks -DKINDS=1 -DOPS0=1 -DOPS1=1 -DMUTANT=10
f s fail blocks -DKINDS=1 -DOPS0=1 -DOPS1=1 -DMUTANT=11
f s fail blocks -DKINDS=1 -DOPS0=1 -DOPS1=1 -DMUTANT=12
f s fail blocks -DKINDS=1 -DOPS0=1 -DOPS1=1 -DMUTANT=13
f s fail blocks -DKINDS=1 -DOPS0=1 -DOPS1=1 -DMUTANT=14
f s fail blocks -DKINDS=1 -DOPS0=1 -DOPS1=1 -DMUTANT=15
f s fail blocks -DKINDS=0 -DOPS0=1 -DOPS1=1 -DMUTANT=17
f s fail blocks -DKINDS=0 -DOPS0=1 -DOPS1=1 -DMUTANT=18
f s fail blocks -DKINDS=0 -DOPS0=1 -DOPS1=1 -DMUTANT=19
f s fail blocks -DKINDS=0 -DOPS0=1 -DOPS1=1 -DMUTANT=20
f s fail blocks -DKINDS=0 -DOPS0=1 -DOPS1=1 -DMUTANT=21
f s fail blocks -DKINDS=0 -DOPS0=1 -DOPS1=1 -DMUTANT=22
n l pass blocks -DKINDS=1 -DOPS0=1 -DOPS1=2
n l pass blocks -DKINDS=1 -DOPS0=2 -DOPS1=1
n l pass blocks -DOPS0=1 -DOPS1=1
n l pass blocks -DKINDS=0 -DOPS0=1 -DOPS1=2
n l pass blocks -DKINDS=1 -DOPS0=1 -DOPS1=1 -DS=3
n l pass blocks -DKINDS=1 -DS=3 -DOPS0=1 -DOPS1=2
n l pass blocks -DKINDS=1 -DOPS0=1 -DOPS1=1 -DCYCLES=3
n l pass blocks -DKINDS=1 -DOPS0=1 -DOPS1=2 -DMUTANT=8
f s pass epochs
f s pass epochs -DMUTS=1
f m pass epochs -DM=32
f s pass epochs -DMUTANT=3
f s pass epochs -DMUTANT=8
f s pass epochs -DOLD=3
f s fail epochs -DMUTANT=1
f s fail epochs -DMUTANT=2
f s fail epochs -DMUTANT=4
f s fail epochs -DMUTANT=5
f s fail epochs -DMUTANT=6
f s fail epochs -DMUTANT=7
f s fail epochs -DMUTS=1 -DMUTANT=3
f s fail epochs -DOLD=3 -DMUTANT=4
n l pass epochs -DM=64
f l pass join   -DOPS=1 -DLIVES0=2 -DLIVES1=2
f l pass join   -DOPS=2
f s fail join   -DOPS=1 -DMUTANT=1
f s fail join   -DOPS=1 -DMUTANT=2
f s fail join   -DOPS=1 -DMUTANT=3
f s fail join   -DOPS=1 -DMUTANT=4
f s fail join   -DOPS=1 -DMUTANT=5
f s fail join   -DOPS=1 -DMUTANT=6
f m pass join   -DOPS=1 -DMUTANT=7
f s fail join   -DOPS=1 -DMUTANT=8
f s fail join   -DOPS=1 -DMUTANT=9
f s fail join   -DOPS=1 -DMUTANT=10
f m fail join   -DOPS=2 -DMUTANT=11
n l pass join   -DOPS=2 -DLIVES1=2
f l pass fork   -DOPSO=0 -DINIT=0
f l pass fork   -DOPSO=0 -DINIT=0 -DMUTANT=13
f l pass fork   -DOPSO=0 -DINIT=0 -DMUTANT=14
f s fail fork   -DOPSO=0 -DINIT=0 -DMUTANT=3
f s fail fork   -DOPSO=0 -DINIT=0 -DMUTANT=5
f s fail fork   -DOPSO=0 -DINIT=0 -DMUTANT=6
f s fail fork   -DOPSO=0 -DINIT=0 -DMUTANT=7
f s fail fork   -DOPSO=0 -DINIT=0 -DMUTANT=8
f s fail fork   -DMUTANT=1
f s fail fork   -DMUTANT=2
f s fail fork   -DMUTANT=4
f s fail fork   -DMUTANT=9
f s fail fork   -DINIT=0 -DMUTANT=10
f s fail fork   -DMUTANT=11
f s fail fork   -DMUTANT=12
f m pass mark   -DOPS=2 -DASSISTS=0 -DPACKETS=2
f m pass mark   -DOPS=1 -DASSISTS=1
f s fail mark   -DOPS=2 -DASSISTS=0 -DPACKETS=2 -DMUTANT=1
f s fail mark   -DOPS=2 -DASSISTS=0 -DPACKETS=2 -DMUTANT=3
f s fail mark   -DOPS=2 -DASSISTS=0 -DPACKETS=2 -DMUTANT=4
f s fail mark   -DOPS=2 -DASSISTS=0 -DPACKETS=2 -DMUTANT=6
f s fail mark   -DOPS=2 -DASSISTS=0 -DPACKETS=2 -DMUTANT=7
f s fail mark   -DOPS=2 -DASSISTS=0 -DPACKETS=2 -DMUTANT=11
f s fail mark   -DOPS=2 -DASSISTS=0 -DPACKETS=2 -DMUTANT=12
f s fail mark   -DOPS=2 -DASSISTS=0 -DPACKETS=2 -DMUTANT=14
f s fail mark   -DOPS=2 -DASSISTS=0 -DPACKETS=2 -DMUTANT=15
f s fail mark   -DOPS=1 -DASSISTS=1 -DMUTANT=5
n m pass mark   -DOPS=2 -DASSISTS=0 -DPACKETS=2 -DMUTANT=2
n m pass mark   -DOPS=2 -DASSISTS=0 -DPACKETS=2 -DMUTANT=8
n m pass mark   -DOPS=2 -DASSISTS=0 -DPACKETS=2 -DMUTANT=9
n m pass mark   -DOPS=2 -DASSISTS=0 -DPACKETS=2 -DMUTANT=10
n m pass mark   -DOPS=2 -DASSISTS=0 -DPACKETS=2 -DMUTANT=13
n l pass mark   -DOPS=2 -DASSISTS=0
n l pass mark   -DOPS=2 -DASSISTS=1
f s pass park   -DTHREADS=1
f s pass park   -DTHREADS=1 -DSTUCK
f m pass park   -DTHREADS=1 -DHELPER
f m pass park   -DTHREADS=1 -DHELPER -DSTUCK
f m pass park   -DUNITS=1 -DBRIEF
f m pass park   -DUNITS=1 -DBRIEF -DSTUCK
f s fail park   -DTHREADS=1 -DHELPER -DMUTANT=1
f s fail park   -DTHREADS=1 -DHELPER -DMUTANT=2
f s fail park   -DTHREADS=1 -DHELPER -DMUTANT=3
f s fail park   -DTHREADS=1 -DHELPER -DMUTANT=4
f s fail park   -DTHREADS=1 -DHELPER -DMUTANT=5
f s fail park   -DTHREADS=1 -DHELPER -DMUTANT=6
f s fail park   -DTHREADS=1 -DHELPER -DMUTANT=9
f s fail park   -DTHREADS=1 -DHELPER -DMUTANT=10
f s fail park   -DTHREADS=1 -DHELPER -DMUTANT=11
f s fail park   -DTHREADS=1 -DHELPER -DMUTANT=14
f s fail park   -DTHREADS=1 -DSTUCK -DMUTANT=7
f s fail park   -DTHREADS=1 -DSTUCK -DMUTANT=8
f s fail park   -DUNITS=1 -DMUTANT=12
f s fail park   -DUNITS=1 -DBRIEF -DMUTANT=13
n l pass park   -DBRIEF
n l pass park   -DUNITS=1
f l pass promote -DCYCLES=2
f l pass promote -DN=3 -DCYCLES=2
f l pass promote -DMAJOR
f m pass promote -DMARKERS=2 -DOPS0=0
f m pass promote -DOVERFLOW -DNARROW
f s fail promote -DMUTANT=1
f s fail promote -DMUTANT=2
f s fail promote -DMUTANT=3
f s fail promote -DMUTANT=4
f s fail promote -DMUTANT=5
f s fail promote -DMUTANT=6
f s fail promote -DMAJOR -DMUTANT=7
f s fail promote -DMAJOR -DMUTANT=8
f m pass promote -DMAJOR -DNARROW -DMUTANT=9
f s fail promote -DMUTANT=10
f s fail promote -DMUTANT=11
f s fail promote -DMARKERS=2 -DNARROW -DMUTANT=12
f s fail promote -DMUTANT=13
f s fail promote -DMARKERS=2 -DNARROW -DMUTANT=14
f s fail promote -DMUTANT=15
f s fail promote -DMARKERS=2 -DNARROW -DMUTANT=16
f l fail promote -DOPS0=2 -DMUTANT=17
f s fail promote -DMUTANT=18
f s fail promote -DMUTANT=19
f s fail promote -DOPS0=2 -DNARROW -DMUTANT=20
f m pass promote -DMUTANT=21
f s fail promote -DOVERFLOW -DMUTANT=22
f s fail promote -DOVERFLOW -DMUTANT=23
f s fail promote -DOVERFLOW -DMUTANT=24
f s fail promote -DOVERFLOW -DMUTANT=26
f m pass promote -DMARKERS=2 -DOPS0=0 -DMUTANT=25
n l pass promote -DOVERFLOW
n l pass promote -DMARKERS=2 -DNARROW
n l pass promote -DOPS0=2
n l pass promote -DOPS1=1 -DNARROW
f l pass kind   -DLOSSES=0
f l pass kind   -DOVERFLOWS=0
f l pass kind   -DOPS0=3 -DOPS1=1 -DCYCLES=1 -DINIT -DLOSSES=0
f m fail kind   -DOPS0=0 -DOPS1=2 -DBIRTH -DOVERFLOWS=0 -DMUTANT=1
f s fail kind   -DOVERFLOWS=0 -DMUTANT=2
f s fail kind   -DOVERFLOWS=0 -DMUTANT=3
f s fail kind   -DOPS0=3 -DOPS1=1 -DCYCLES=1 -DINIT -DLOSSES=0 -DMUTANT=4
f s fail kind   -DOPS0=3 -DOPS1=1 -DCYCLES=1 -DINIT -DLOSSES=0 -DMUTANT=5
f s fail kind   -DLOSSES=0 -DMUTANT=6
f s fail kind   -DOPS0=3 -DOPS1=1 -DCYCLES=1 -DINIT -DLOSSES=0 -DMUTANT=7
f s fail kind   -DOVERFLOWS=0 -DMUTANT=8
f s fail kind   -DOVERFLOWS=0 -DMUTANT=9
f s fail kind   -DOPS0=3 -DOPS1=1 -DCYCLES=1 -DINIT -DOVERFLOWS=0 -DMUTANT=10
f s fail kind   -DOVERFLOWS=0 -DMUTANT=11
f s fail kind   -DLOSSES=0 -DMUTANT=12
f s fail kind   -DOPS0=0 -DOPS1=1 -DBIRTH -DOVERFLOWS=0 -DMUTANT=13
n l pass kind
n l pass kind   -DOPS0=0 -DOPS1=2 -DBIRTH -DOVERFLOWS=0
f m pass demand -DREPEATS=0
f s fail demand -DREPEATS=0 -DMUTANT=1
f s fail demand -DREPEATS=0 -DMUTANT=2
f s fail demand -DREPEATS=0 -DMUTANT=3
f s fail demand -DMUTANT=4
f s fail demand -DREPEATS=0 -DMUTANT=5
f s fail demand -DMUTANT=6
f s fail demand -DREPEATS=0 -DMUTANT=7
f s fail demand -DMUTANT=8
f m pass demand -DREPEATS=0 -DMUTANT=9
f m pass demand -DREPEATS=0 -DMUTANT=10
f m pass demand -DREPEATS=0 -DMUTANT=11
n l pass demand
f l pass drive  -DOPS=2 -DLIVES=0
f s fail drive  -DLIVES=0 -DMUTANT=1
f s fail drive  -DLIVES=0 -DMUTANT=2
f s fail drive  -DLIVES=0 -DMUTANT=3
f s fail drive  -DLIVES=0 -DMUTANT=4
f s fail drive  -DLIVES=0 -DMUTANT=5
f s fail drive  -DLIVES=0 -DMUTANT=6
f s fail drive  -DMUTANT=7
f s fail drive  -DMUTANT=8
f s fail drive  -DLIVES=0 -DMUTANT=9
f s fail drive  -DLIVES=0 -DMUTANT=10
f s fail drive  -DLIVES=0 -DMUTANT=11
f s fail drive  -DOPS=2 -DLIVES=0 -DMUTANT=12
f s fail drive  -DLIVES=0 -DMUTANT=13
f s fail drive  -DLIVES=0 -DMUTANT=14
f s fail drive  -DLIVES=0 -DMUTANT=15
f s fail drive  -DOPS=2 -DLIVES=0 -DMUTANT=16
f s fail drive  -DLIVES=0 -DMUTANT=17
f l pass drive  -DLIVES=0 -DSTW -DFAILS=2
f s fail drive  -DLIVES=0 -DSTW -DMUTANT=18
f s fail drive  -DLIVES=0 -DSTW -DMUTANT=19
f s fail drive  -DLIVES=0 -DSTW -DMUTANT=20
f s fail drive  -DLIVES=0 -DSTW -DMUTANT=21
f s fail drive  -DLIVES=0 -DSTW -DMUTANT=22
f s fail drive  -DSTW -DMUTANT=23
f s fail drive  -DLIVES=0 -DSTW -DMUTANT=24
f m pass drive  -DLIVES=0 -DPOLLS -DHANDSHAKES=3
f s pass drive  -DLIVES=0 -DPOLLS -DRUNS -DHANDSHAKES=3
f s pass drive  -DLIVES=0 -DPOLLS -DHANDSHAKES=3 -DMUTANT=25
f s fail drive  -DLIVES=0 -DPOLLS -DRUNS -DHANDSHAKES=3 -DMUTANT=25
f s fail drive  -DLIVES=0 -DPOLLS -DHANDSHAKES=3 -DMUTANT=26
f s fail drive  -DLIVES=0 -DPOLLS -DHANDSHAKES=3 -DMUTANT=27
f s fail drive  -DLIVES=0 -DPOLLS -DRUNS -DHANDSHAKES=3 -DMUTANT=28
f s fail drive  -DLIVES=0 -DPOLLS -DRUNS -DHANDSHAKES=3 -DMUTANT=29
n l pass drive
n l pass drive  -DOPS=2 -DLIVES=0 -DHANDSHAKES=3
n l pass drive  -DSTW
n l pass drive  -DOPS=2 -DLIVES=0 -DSTW
n l pass drive  -DOPS=2 -DLIVES=0 -DPOLLS -DHANDSHAKES=3
TABLE
}

# One search in directory $dir; sets got, states, depth, seconds and text.
search() { # size model flags
  size=$1 model=$2; shift 2
  case $size in
  s) opt=-O0 hash=20 deep=200000 ;;
  m) opt=-O1 hash=22 deep=1000000 ;;
  l) opt=-O1 hash=24 deep=1000000 ;;
  *) echo "check.sh: size $size?" >&2; return 2 ;;
  esac
  began=$(date +%s%N)
  (cd "$dir" && spin -a "$@" "$here/$model.pml" >spin.out 2>&1 &&
   gcc $opt -w -DSAFETY -DCOLLAPSE -DMEMLIM="$LU_MEMLIM" -o pan pan.c 2>gcc.out &&
   ./pan -m$deep -w$hash >out 2>&1)
  ended=$(date +%s%N)
  seconds=$(((ended - began) / 100000000))
  seconds=$((seconds / 10)).$((seconds % 10))
  touch "$dir/out"
  states=$(awk '/states, stored/ { print $1; exit }' "$dir/out")
  depth=$(sed -n 's/.*depth reached \([0-9]*\).*/\1/p' "$dir/out")
  if grep -Eq '^pan.*(assertion violated|invalid end state)' "$dir/out" &&
     grep -q 'errors: [1-9]' "$dir/out"; then
    got=fail
  elif grep -q 'errors: 0' "$dir/out" &&
     ! grep -Eq 'not completed|too small|out of memory|memory limit|truncat' "$dir/out"; then
    got=pass
  else
    got=broken
  fi
}

# One line of the table, as a child of xargs.
one() { # number size expected model flags
  number=$1 size=$2 want=$3 name=$4; shift 4
  dir=$LU_SCRATCH/$number
  mkdir "$dir" || exit 1
  search "$size" "$name" "$@"
  if [ "$got" = "$want" ]; then note=ok; else note=WRONG; fi
  printf '%-5s %-8s %-46s want %s got %-6s %9s states, depth %5s, %5s s\n' \
    "$note" "$name" "$*" "$want" "$got" "${states:--}" "${depth:--}" "$seconds" |
    tee "$LU_SCRATCH/$number.result"
  if [ "$got" = broken ]; then tail -n 5 "$dir/spin.out" "$dir/gcc.out" "$dir/out" 2>/dev/null; fi
  rm -rf "$dir"
}

# A mutant that a model's header lists, or a "-DMUTANT==n" that its text tests,
# and that no line of the table runs, is a hole in the check.
unlisted() {
  for f in "$here"/*.pml; do
    m=$(basename "$f" .pml)
    grep -o 'MUTANT *[=!]= *[0-9]*' "$f" | grep -o '[0-9]*$' | sort -un | while read -r x; do
      table | grep -Eq "^[fn] +[sml] +(pass|fail) +$m .*-DMUTANT=$x( |\$)" ||
        [ "$x" = 0 ] || echo "WRONG $m: mutant $x is in no run"
    done
  done
}

need() {
  for tool in spin gcc awk xargs; do
    command -v $tool >/dev/null 2>&1 || { echo "check.sh: $tool is not installed" >&2; exit 2; }
  done
}

replay() { # model flags
  name=$1; shift
  [ -f "$here/$name.pml" ] || { echo "check.sh: no model $name" >&2; exit 2; }
  (cd "$LU_SCRATCH" && spin -a "$@" "$here/$name.pml" &&
   gcc -O1 -w -DSAFETY -DBFS -DCOLLAPSE -DMEMLIM="$LU_MEMLIM" -o pan pan.c && ./pan -w24 >out
   cat out
   for t in *.trail; do
     if [ -f "$t" ]; then spin -t -p -g -k "$t" "$@" "$here/$name.pml"; fi
   done)
}

mode=fast
case ${1-} in
fast|nightly|list|replay|--one) mode=$1; shift ;;
-h|--help) sed -n '2,/^$/s/^# \{0,1\}//p' "$self"; exit 0 ;;
esac
if [ "$mode" = --one ]; then one "$@"; exit 0; fi

pick=f
if [ "$mode" = nightly ] || { [ "$mode" = list ] && [ "${1-}" = nightly ]; }; then pick='[fn]'; fi
if [ "$mode" = list ]; then table | grep "^$pick"; exit 0; fi
need

jobs=${JOBS:-$(nproc 2>/dev/null || echo 1)}
if [ -z "${JOBS-}" ] && [ "$jobs" -gt 4 ]; then jobs=4; fi
if [ "$mode" = nightly ]; then memory=${MEMORY:-16000}; else memory=${MEMORY:-4000}; fi
[ "$mode" = replay ] && jobs=1
LU_MEMLIM=$((memory / jobs))
LU_SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/models.XXXXXX") || exit 2
export LU_SCRATCH LU_MEMLIM
trap 'rm -rf "$LU_SCRATCH"' EXIT
trap 'exit 130' INT TERM HUP

if [ "$mode" = replay ]; then
  [ $# -ge 1 ] || { echo "usage: check.sh replay MODEL [FLAG...]" >&2; exit 2; }
  replay "$@"
  exit 0
fi

for m in "$@"; do
  [ -f "$here/$m.pml" ] || { echo "check.sh: no model $m" >&2; exit 2; }
done
only=$(echo "$*" | tr ' ' '|')
table | grep "^$pick" | awk -v only="^(${only:-.*})\$" \
  '$4 ~ only { $1 = ++n; print }' >"$LU_SCRATCH/runs"
total=$(wc -l <"$LU_SCRATCH/runs")
began=$(date +%s)
xargs -P "$jobs" -L 1 sh "$self" --one <"$LU_SCRATCH/runs"
unlisted | tee "$LU_SCRATCH/unlisted"
passed=$(cat "$LU_SCRATCH"/*.result 2>/dev/null | grep -c '^ok ')
failed=$((total - passed + $(wc -l <"$LU_SCRATCH/unlisted")))
echo "models: $passed passed, $failed failed ($mode, $(($(date +%s) - began)) s)"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
