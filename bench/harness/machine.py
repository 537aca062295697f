"""The machine that is measured on: what it is, and how busy others keep it."""
from __future__ import annotations

import os
import platform
import re
import resource
import shutil
import subprocess
from dataclasses import dataclass
from typing import Optional

TICK = 1.0 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class CpuTimes:
    busy: float     # s, of all cores since the system started; without what the hypervisor took
    steal: float


def cpu_times() -> CpuTimes:
    with open("/proc/stat", encoding="ascii") as file:
        counts = [int(word) for word in file.readline().split()[1:9]]
    user, nice, system, _idle, _wait, irq, softirq, steal = counts
    return CpuTimes((user + nice + system + irq + softirq) * TICK, steal * TICK)


def own_peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def memory(field: str) -> int:
    """A field of /proc/meminfo, in bytes."""
    with open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    return 0


def first_line(*command: str) -> Optional[str]:
    """Of what the command says, on either stream; None where it is not there."""
    if not shutil.which(command[0]):
        return None
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
    return lines[0] if lines else None


def package_version(name: str) -> Optional[str]:
    if not shutil.which("dpkg-query"):
        return None
    done = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Version}", name],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    words = done.stdout.decode().split()
    return words[1] if len(words) > 1 and words[0] == "ii" else None


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return ""


def _cpu_model() -> str:
    found = re.search(r"^(?:model name|Model)\s*:\s*(.*)$", _read("/proc/cpuinfo"), re.MULTILINE)
    return found.group(1) if found else platform.processor() or platform.machine()


def _system() -> str:
    found = re.search(r'^PRETTY_NAME="?([^"\n]*)', _read("/etc/os-release"), re.MULTILINE)
    return found.group(1) if found else platform.system()


def _compiler(build: str) -> str:
    """The C compiler and its flags, as configure wrote them into the build's Makefile."""
    makefile = _read(os.path.join(build, "Makefile"))
    values = {name: value.strip() for name, value in
              re.findall(r"^(CC|CFLAGS) =(.*)$", makefile, re.MULTILINE)}
    compiler = values.get("CC", "cc").split()[0]
    version = first_line(compiler, "--version") or compiler
    return f"{version}; {values.get('CFLAGS', 'flags unknown')}"


def _virtual() -> str:
    found = re.search(r"^flags\s*:.*\bhypervisor\b", _read("/proc/cpuinfo"), re.MULTILINE)
    return "virtual machine" if found else "no hypervisor is visible"


def _clock_of_cores() -> str:
    governor = _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    return governor or "not ours to see"


def describe(build: str, top: str) -> dict[str, str]:
    """Rows of the report's table of the machine."""
    revision = first_line("git", "-C", top, "describe", "--always", "--dirty")
    return {
        "CPU": f"{_cpu_model()}, {len(os.sched_getaffinity(0))} cores; {_virtual()}",
        "frequency governor": _clock_of_cores(),
        "memory": f"{memory('MemTotal') / (1 << 30):.1f} GB, "
                  f"{memory('MemAvailable') / (1 << 30):.1f} GB free at the start",
        "system": f"{_system()}, Linux {platform.release()} on {platform.machine()}",
        "transparent huge pages": _read("/sys/kernel/mm/transparent_hugepage/enabled") or "unknown",
        "compiler": _compiler(build),
        "Lull": revision if revision and "fatal" not in revision else "not under version control",
        "load at the start": " ".join(f"{load:.2f}" for load in os.getloadavg()),
    }
