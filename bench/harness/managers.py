"""The memory managers: how a program is run with each, what is installed, what is left out and
why."""
from __future__ import annotations

import ctypes.util
import functools
import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import Mapping, Optional

import machine
from case import Case, command_words

# Variables that change how a manager works are not taken from the caller's environment.
_TUNING = ("LULL_", "GC_", "MALLOC_", "MIMALLOC_", "JE_", "LD_PRELOAD", "GLIBC_TUNABLES", "GOGC",
           "GOMEMLIMIT", "GOMAXPROCS", "GODEBUG", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS",
           "JDK_JAVA_OPTIONS", "OCAMLRUNPARAM", "CAMLRUNPARAM")


@dataclass(frozen=True)
class Manager:
    name: str
    family: str                    # lull, malloc, boehm, bump, recycle, java, go, ocaml
    title: str                     # for people
    package: str = ""              # Debian's
    preload: str = ""              # of malloc: the library that takes its place
    collector: str = ""            # of Java: the flag's middle
    options: str = ""              # --options
    note: str = ""


_ALL = (
    Manager("lull", "lull", "Lull",
            note="heap.max is the heap; heap.initial the same and heap.growth=1000%, so that it "
                 "uses all of it, as the other collectors are told to (not in alloc); otherwise as "
                 "it comes"),
    Manager("lull-major", "lull", "Lull, majors only", options="gc.generational=no",
            note="the same without minor cycles: what goals for major cycles are about"),
    Manager("malloc", "malloc", "malloc (glibc)", "libc6"),
    Manager("jemalloc", "malloc", "jemalloc", "libjemalloc2", preload="libjemalloc.so.2",
            note="preloaded into the programs for malloc"),
    Manager("mimalloc", "malloc", "mimalloc", "libmimalloc2.0", preload="libmimalloc.so.2",
            note="preloaded into the programs for malloc"),
    Manager("boehm", "boehm", "Boehm GC", "libgc-dev",
            note="the heap is its GC_set_max_heap_size; markers as many as it takes by itself"),
    Manager("bump", "bump", "bump, never freed", note="fresh memory all the time"),
    Manager("recycle", "recycle", "bump in 1 MB, zeroed",
            note="starts over in the same 1 MB, zeroed just ahead; keeps no object"),
    Manager("recycle-raw", "recycle", "bump in 1 MB, not zeroed", options="raw",
            note="the same without zeroing: less than any collector promises"),
    Manager("java-serial", "java", "Java Serial", "openjdk-17-jdk-headless", collector="Serial"),
    Manager("java-parallel", "java", "Java Parallel", "openjdk-17-jdk-headless",
            collector="Parallel"),
    Manager("java-g1", "java", "Java G1", "openjdk-17-jdk-headless", collector="G1"),
    Manager("java-shenandoah", "java", "Java Shenandoah", "openjdk-17-jdk-headless",
            collector="Shenandoah"),
    Manager("java-z", "java", "Java ZGC", "openjdk-17-jdk-headless", collector="Z",
            note="all of Java: -Xms and -Xmx are the heap; the JVM's start is not in the times; a "
                 "tenth of the work is done first and not counted (--warmup)"),
    Manager("go", "go", "Go", "golang-go",
            note="GOGC=off with the heap as memory limit, so that it uses all of it"),
    Manager("ocaml", "ocaml", "OCaml", "ocaml-nox",
            note="knows no limit; space_overhead is set to the share that the heap leaves over "
                 "live data"),
)
MANAGERS: Mapping[str, Manager] = {manager.name: manager for manager in _ALL}
LULL = tuple(manager.name for manager in _ALL if manager.family == "lull")
JAVA = tuple(manager.name for manager in _ALL if manager.family == "java")
# What --install adds to what building needs.
PACKAGES = ("libgc-dev", "libjemalloc2", "libmimalloc2.0", "openjdk-17-jdk-headless", "golang-go",
            "ocaml-nox", "python3-matplotlib")


def missing_packages() -> list[str]:
    return [name for name in PACKAGES if machine.package_version(name) is None]


def expand(names: str) -> list[str]:
    """The managers of a comma-separated list; a family's name stands for all of it."""
    chosen: list[str] = []
    for name in names.split(","):
        found = [manager.name for manager in _ALL if name in (manager.name, manager.family)]
        if name in MANAGERS:
            found = [name]
        if not found:
            raise ValueError(f"'{name}' is no memory manager: {', '.join(MANAGERS)}, java")
        chosen += [manager for manager in found if manager not in chosen]
    return chosen


@functools.lru_cache(maxsize=None)
def absent(name: str) -> Optional[str]:
    """Why the manager cannot run on this machine at all; None if it can."""
    manager = MANAGERS[name]
    if manager.preload and _library(manager.preload) is None:
        return f"{manager.preload} is not installed (Debian package {manager.package})"
    if manager.family == "java":
        return _java_lacks(manager)
    return None


@functools.lru_cache(maxsize=None)
def _library(soname: str) -> Optional[str]:
    stem = soname.split(".so")[0][len("lib"):]
    found = ctypes.util.find_library(stem)
    return soname if found == soname else None


def _java_lacks(manager: Manager) -> Optional[str]:
    if not shutil.which("java"):
        return f"java is not installed (Debian package {manager.package})"
    done = subprocess.run(["java", f"-XX:+Use{manager.collector}GC", "-Xmx64m", "-version"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, check=False)
    return None if done.returncode == 0 else f"this JVM has no {manager.collector}GC"


def version(name: str) -> str:
    """As its own command or Debian's package says."""
    manager = MANAGERS[name]
    if manager.family == "java":
        return machine.first_line("java", "-version") or "unknown"
    if manager.family == "go":
        return machine.first_line("go", "version") or "unknown"
    if manager.family == "ocaml":
        return machine.first_line("ocamlopt", "-version") or "unknown"
    if manager.package:
        found = machine.package_version(manager.package)
        return f"{manager.package} {found}" if found else "not from a Debian package"
    return "of this source folder"


@dataclass(frozen=True)
class Programs:
    """Where what was built is."""
    build: str            # build/release
    peers: str            # where bench/peers/build.sh built to

    def path(self, case: Case, name: str) -> str:
        """The file whose absence means that the program was not built."""
        manager = MANAGERS[name]
        if case.kind == "micro":
            return os.path.join(self.build, "bench", "micro", case.program)
        if case.kind == "textindex":
            ending = "" if manager.family == "lull" else "-" + manager.family
            return os.path.join(self.build, "examples", "textindex", case.program + ending)
        if manager.family == "java":
            return os.path.join(self.peers, "java", _java_class(case.program) + ".class")
        if manager.family in ("go", "ocaml"):
            return os.path.join(self.peers, manager.family, case.program)
        return os.path.join(self.build, "bench", "workloads", f"{case.program}-{manager.family}")

    def missing(self, case: Case, name: str) -> Optional[str]:
        path = self.path(case, name)
        return None if os.access(path, os.R_OK) else f"{path} was not built"


def _java_class(program: str) -> str:
    return program.capitalize()


@dataclass(frozen=True)
class Command:
    words: tuple[str, ...]
    environment: Mapping[str, str]


def command(programs: Programs, case: Case, name: str, heap: Optional[int],
            options: str = "") -> Command:
    """How the manager runs the case with a heap of so many bytes; `options` are further ones of
    Lull's."""
    manager = MANAGERS[name]
    path = programs.path(case, name)
    words = [path]
    environment = _environment(manager, case, heap)
    if manager.family == "java":
        words = _java(manager, path, case, heap)
    words += command_words(case.arguments_for(name, manager.family))
    if case.kind == "workload":
        words += _limits(manager, case, heap, options)
    elif case.kind == "textindex":
        words += ["--figures"]
        if heap and manager.family == "lull":
            words += ["--heap", str(heap)]
    elif manager.options:
        words += ["--options", manager.options]
    return Command(tuple(words), environment)


def _limits(manager: Manager, case: Case, heap: Optional[int], options: str) -> list[str]:
    words = [] if heap is None or manager.family == "ocaml" else ["--heap", str(heap)]
    texts = [text for text in (_whole_heap(manager, case, heap), manager.options, options) if text]
    return words + (["--options", ",".join(texts)] if texts else [])


def _whole_heap(manager: Manager, case: Case, heap: Optional[int]) -> str:
    if manager.family != "lull" or heap is None or not case.whole:
        return ""
    return f"heap.initial={heap},heap.growth=1000%"


def _java(manager: Manager, path: str, case: Case, heap: Optional[int]) -> list[str]:
    words = ["java", f"-XX:+Use{manager.collector}GC"]
    if heap is not None:
        kilobytes = -(-heap // 1024)
        words += [f"-Xms{kilobytes}k", f"-Xmx{kilobytes}k"]
    return words + ["-cp", os.path.dirname(path), _java_class(case.program)]


def _environment(manager: Manager, case: Case, heap: Optional[int]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_TUNING)}
    kept["LC_ALL"] = "C.UTF-8"
    if case.kind == "textindex" and manager.options:     # which has no --options
        kept["LULL_OPTIONS"] = manager.options
    if manager.preload:
        kept["LD_PRELOAD"] = manager.preload
    if manager.family == "go" and heap is not None and case.whole:
        kept["GOGC"] = "off"
    if manager.family == "ocaml" and case.live:
        kept["OCAMLRUNPARAM"] = f"o={max(1, round((case.live - 1) * 100))}"
    return kept
