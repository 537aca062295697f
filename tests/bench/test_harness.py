"""The harness of ./run bench with programs that are made here: how they end, what is compared, the
minimal heap, the goals, the report."""
import io
import json
import os
import random
import sys
import tempfile
import time
import unittest
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "bench", "harness"))

import case  # noqa: E402
import goals  # noqa: E402
import main  # noqa: E402
import managers  # noqa: E402
import minimal  # noqa: E402
import plan  # noqa: E402
import progress  # noqa: E402
import readme  # noqa: E402
import report  # noqa: E402
import results  # noqa: E402
import run  # noqa: E402
import series  # noqa: E402
import tables  # noqa: E402
from case import MB, Case, Minimal, size  # noqa: E402

FAKE = os.path.join(HERE, "fake.py")


def fake(how="well", line=None, least=0, arguments=(), seconds=20):
    environment = {**os.environ, "FAKE": how, "FAKE_LEAST": str(least),
                   "FAKE_LINE": json.dumps(line or {})}
    return run.execute([sys.executable, "-B", FAKE, *arguments], environment, seconds)


class Runs(unittest.TestCase):
    def test_well(self):
        outcome = fake(line={"check": 7})
        self.assertEqual(outcome.status, "ok")
        self.assertEqual(run.figure(outcome, "check"), 7)
        self.assertEqual(run.figure(outcome, "latency.p9999"), 3000)
        self.assertIsNone(run.figure(outcome, "latency.p99"))
        self.assertIsNone(run.figure(outcome, "workload"))
        self.assertEqual(run.figure(outcome, "collector_cpu"), 2000000)
        self.assertGreater(outcome.elapsed, 0)
        self.assertGreater(outcome.cpu, 0)

    def test_ends(self):
        self.assertEqual(fake("fail").status, "failed")
        self.assertIn("a wrong result", fake("fail").message)
        self.assertEqual(fake("garbage").status, "failed")
        self.assertEqual(fake(least=100, arguments=("--heap", "99")).status, "memory")
        self.assertEqual(run.execute(["/nowhere/program"], {}, 1).status, "failed")
        killed = run.execute([sys.executable, "-c", "import os; os.kill(os.getpid(), 11)"], {}, 20)
        self.assertEqual((killed.status, killed.message[:9]), ("failed", "signal 11"))

    def test_hanging_program_is_ended(self):
        began = time.monotonic()
        self.assertEqual(fake("hang", seconds=0.5).status, "timeout")
        self.assertLess(time.monotonic() - began, 20)

    def test_resident_memory(self):
        code = "import json; b = b'x' * (200 << 20); print(json.dumps({'rss_peak': 1}))"
        outcome = run.execute([sys.executable, "-c", code], os.environ, 30)
        self.assertGreater(run.figure(outcome, "resident"), 200 << 20)

    def test_stalls_and_shares(self):
        lull = outcome_of(caused={"max": 5}, stall={"max": 9}, claim_wait={"max": 7}, cpu=100,
                          mutator_cpu=80)
        self.assertEqual(run.figure(lull, "longest_stall"), 9)
        self.assertEqual(run.figure(lull, "collector_share"), 0.2)
        boehm = outcome_of(stopped={"max": 11}, cpu=100)
        self.assertEqual(run.figure(boehm, "longest_stall"), 11)
        self.assertIsNone(run.figure(boehm, "collector_share"))
        self.assertIsNone(run.figure(outcome_of(latency={"max": 3}), "longest_stall"))

    def test_textindex(self):
        line = ("memory=lull documents=3 words=4 postings=5 occurrences=6 bytes_read=7 index_s=1.5 "
                "wall_s=1.6 cpu_s=2 rss_mb=2 query_p99_us=3.5 wrong=0 differences=0\n")
        figures = run.read_textindex("before\n" + line)
        self.assertEqual((figures["wall"], figures["rss_peak"]), (1.6e9, 2 << 20))
        self.assertEqual(figures["latency"]["p99"], 3500)
        with self.assertRaises(ValueError):
            run.read_textindex(line.replace("differences=0", "differences=1"))


class MinimalHeap(unittest.TestCase):
    def test_bisection(self):
        chance = random.Random(3)
        for _ in range(200):
            truth = int(2 ** chance.uniform(20, 36))
            least = minimal.bisect(lambda heap: heap >= truth)
            self.assertGreaterEqual(least, truth)
            self.assertLessEqual(least, max(minimal.LEAST * 2, truth * 1.021))

    def test_never_fits(self):
        with self.assertRaises(minimal.NoMinimum):
            minimal.bisect(lambda heap: False)


def outcome_of(**figures):
    return run.Outcome("ok", figures=figures)


def one_case(**changed):
    fields = {"name": "c", "group": "churn", "program": "churn", "arguments": {"live": "1M"},
              "claims": ("lull", "malloc"), "pairs": 3, **changed}
    return Case(**fields)


def filled(pairs, path="wall", of=None, names=("lull", "malloc")):
    made = results.Results()
    for number, values in enumerate(pairs):
        for name, value in zip(names, values):
            made.add(results.Run(of or one_case(), name, number,
                                 outcome_of(check=1, **{path: value}), ()))
    return made


class Comparison(unittest.TestCase):
    def test_unequal_checks_are_a_problem(self):
        made = filled([(1, 1)])
        self.assertEqual(made.problems, [])
        made.add(results.Run(one_case(), "boehm", 0, outcome_of(check=2), ()))
        self.assertEqual(len(made.problems), 1)
        self.assertIn("check", made.problems[0])

    def test_other_arguments_may_have_another_check(self):
        two = one_case(changed={"boehm": {"live": "2M"}})
        made = filled([(1, 1)], of=two)
        made.add(results.Run(two, "boehm", 0, outcome_of(check=2), ()))
        self.assertEqual(made.problems, [])
        warm = one_case(changed={"java": {"warmup": 3}})
        made = filled([(1, 1)], of=warm)
        made.add(results.Run(warm, "java-g1", 0, outcome_of(check=2), ()))
        self.assertEqual(len(made.problems), 1)

    def test_failures(self):
        made = results.Results()
        made.add(results.Run(one_case(), "boehm", 0, run.Outcome("memory", "status 3: full"), ()))
        self.assertEqual((made.problems, len(made.skipped)), ([], 1))
        made.add(results.Run(one_case(), "lull", 0, run.Outcome("memory", "status 3: full"), ()))
        made.add(results.Run(one_case(), "boehm", 0, run.Outcome("failed", "status 1: bad"), ()))
        self.assertEqual(len(made.problems), 2)


class Goals(unittest.TestCase):
    def judged(self, made, **changed):
        fields = {"text": "t", "case": "c", "figure": "wall", "kind": "ratio", "bound": 1.3,
                  "peer": "malloc", **changed}
        verdict = goals.judge(made, goals.Goal(**fields))
        return verdict.state, verdict.certain

    def test_ratio(self):
        self.assertEqual(self.judged(filled([(1.0, 1)] * 6)), ("met", True))
        self.assertEqual(self.judged(filled([(1.0, 1)] * 5)), ("met", False))
        self.assertEqual(self.judged(filled([(1.4, 1)] * 6)), ("missed", True))
        self.assertEqual(self.judged(filled([(1.0, 1)] * 4 + [(1.4, 1)] * 2)), ("met", False))
        self.assertEqual(self.judged(results.Results()), ("not measured", None))

    def test_without_a_collection(self):
        made = filled([(1.0, 1)] * 6)
        for run_ in made.runs:
            if run_.manager == "lull":
                run_.outcome.figures["cycles"] = 2 if run_.round else 0
        self.assertEqual(self.judged(made), ("not measured", None))

    def test_a_peer_that_does_not_fit_is_named(self):
        made = results.Results()
        made.add(results.Run(one_case(), "lull", 0, outcome_of(check=1, wall=1), ()))
        made.add(results.Run(one_case(), "boehm", 0, run.Outcome("memory", "status 3: full"), ()))
        verdict = goals.judge(made, goals.Goal("t", "c", "wall", "ahead", 1.8, peer="boehm"))
        self.assertEqual((verdict.state, verdict.beside), ("not measured", "Boehm GC: memory"))

    def test_at_least(self):
        rate = {"kind": "at least", "bound": 30.0}
        self.assertEqual(self.judged(filled([(31, 0)] * 6), **rate), ("met", True))
        self.assertEqual(self.judged(filled([(29, 0)] * 6), **rate), ("missed", True))
        self.assertEqual(self.judged(filled([(29, 0), (31, 0), (31, 0)]), **rate), ("met", False))

    def test_ahead(self):
        ahead = {"kind": "ahead", "bound": 1.8}
        self.assertEqual(self.judged(filled([(1, 2)] * 6), **ahead), ("met", True))
        self.assertEqual(self.judged(filled([(1, 1.7)] * 6), **ahead), ("missed", True))
        self.assertEqual(self.judged(filled([(1, 2)] * 5 + [(1, 1)]), **ahead), ("met", False))
        self.assertEqual(self.judged(filled([(0, 2)] * 6), **ahead), ("met", True))

    def test_the_whole_interval(self):
        whole = {"kind": "interval", "bound": 1.05}
        self.assertEqual(self.judged(filled([(1, 1)] * 6), **whole), ("met", True))
        self.assertEqual(self.judged(filled([(1, 1)] * 5 + [(1.1, 1)]), **whole),
                         ("missed", False))
        self.assertEqual(self.judged(filled([(1.1, 1)] * 6), **whole), ("missed", True))
        self.assertEqual(self.judged(filled([(1, 1)] * 3), **whole), ("met", False))

    def test_each_variant_has_its_goals(self):
        made = filled([(1.0, 1, 2)] * 6, names=("lull", "malloc", "lull-major"))
        self.assertEqual(self.judged(made), ("met", True))
        self.assertEqual(self.judged(made, manager="lull-major"), ("missed", True))
        self.assertEqual(self.judged(made, kind="ahead", peer="lull-major", bound=2.0),
                         ("met", True))
        for run_ in made.runs:
            if run_.manager == "lull-major":
                run_.outcome.figures["cycles"] = 0
        self.assertEqual(self.judged(made), ("met", True))
        self.assertEqual(self.judged(made, kind="ahead", peer="lull-major"), ("not measured", None))

    def test_a_further_figure_stands_beside(self):
        made = filled([(1.0, 1)] * 6)
        for run_ in made.runs:
            run_.outcome.figures["cpu"] = 3.0 if run_.manager == "lull" else 2.0
        goal = goals.Goal("t", "c", "wall", "ratio", 1.3, peer="malloc", beside="cpu")
        self.assertEqual(goals.judge(made, goal).beside,
                         "CPU time to that of malloc (glibc): 1.50 (1.50 to 1.50)")

    def test_what_the_machine_makes_of_it_stands_beside(self):
        made = filled([(1.6, 1)] * 6)
        for at, run_ in enumerate(made.runs):
            run_.outcome.figures["control"] = 1.25 if at % 2 == 0 else 1.75
        goal = goals.Goal("t", "c", "wall", "at most", 1.5, machine="control")
        verdict = goals.judge(made, goal)
        self.assertEqual(verdict.state, "missed")
        self.assertRegex(verdict.beside, r"^a loop that only looks at the clock: 1\.[0-9]+$")

    def test_every(self):
        made = filled([(1, 0), (0, 0), (1, 0)])
        self.assertEqual(self.judged(made, kind="every", bound=1), ("missed", None))
        self.assertEqual(self.judged(filled([(1, 0)]), kind="every", bound=1), ("met", None))

    def test_worst(self):
        made = filled([(1, 0), (2, 0), (1, 0)])
        self.assertEqual(self.judged(made, kind="worst"), ("missed", None))

    def test_counts(self):
        counts = {"kind": "counts"}
        self.assertEqual(self.judged(filled([(0, 0)] * 6), **counts)[0], "met")
        self.assertEqual(self.judged(filled([(1, 0)] * 6), **counts), ("missed", True))
        self.assertEqual(self.judged(filled([(3, 1), (0, 2), (0, 0)]), **counts)[0], "met")

    def test_growth(self):
        made = filled([(2, 1)] * 6)
        for run_ in filled([(6, 2)] * 6, of=one_case(name="d")).runs:
            made.add(run_)
        growth = {"kind": "growth", "case": "d", "base": "c"}
        self.assertEqual(self.judged(made, bound=1.6, **growth), ("met", True))
        self.assertEqual(self.judged(made, bound=1.4, **growth), ("missed", True))

    def test_figures_of_one_run(self):
        made = results.Results()
        for number in range(6):
            made.add(results.Run(one_case(), "lull", number, outcome_of(check=1, a=2.0, b=4.0), ()))
        own = {"kind": "own ratio", "figure": "a", "peer_figure": "b", "peer": ""}
        self.assertEqual(self.judged(made, bound=0.5, **own), ("met", True))
        self.assertEqual(self.judged(made, bound=0.4, **own), ("missed", True))


class Plan(unittest.TestCase):
    def test_every_goal_has_its_case_in_the_full_form(self):
        cases = {case.name: case for case in plan.cases(True)}
        for goal in goals.goals():
            self.assertIn(goal.kind, goals.KINDS)
            self.assertIn(goal.group, plan.GROUPS)
            if goal.kind in goals.OF_ALL_RUNS:
                self.assertTrue(any(name.startswith(goal.case) for name in cases))
                continue
            found = cases[goal.case]
            self.assertIn(goal.peer or goal.manager, found.claims)
            self.assertIn(goal.manager, found.claims)
            if goal.kind in goals.PAIRED:
                least = plan.LONG_PAIRS if found.key in ("2G", "4G") else plan.FULL_PAIRS
                self.assertGreaterEqual(found.pairs, least, goal.text)

    def test_both_variants_run_where_a_workload_does(self):
        for full in (False, True):
            for one in plan.cases(full):
                if one.kind != "micro":
                    self.assertEqual(set(managers.LULL) - set(one.managers), set(), one.name)

    def test_the_other_variant_runs_more_often_than_peers(self):
        one = one_case(others=("lull-major", "boehm"), pairs=15)
        rounds = [[name for name in one.others if one.takes_part(name, number)]
                  for number in range(one.pairs)]
        self.assertEqual(rounds[0], ["lull-major", "boehm"])
        self.assertEqual(sum(rounds, []).count("lull-major"), 3)
        self.assertEqual(sum(rounds, []).count("boehm"), 1)

    def test_managers_and_groups_are_known(self):
        for full in (False, True):
            for one in plan.cases(full):
                self.assertIn(one.group, plan.GROUPS)
                self.assertEqual(set(one.managers) - set(managers.MANAGERS), set())
                self.assertIn(one.own, managers.LULL)
                self.assertGreater(one.pairs, 0)

    def test_chosen(self):
        cases = plan.cases(False)
        self.assertEqual({one.name for one in plan.chosen(cases, ["churn"])},
                         {"churn-64M", "churn-512M", "churn-2G", "churn-64M-2x",
                          "churn-512M-2x"})
        self.assertEqual([one.name for one in plan.chosen(cases, ["pusher"])], ["pusher"])
        with self.assertRaises(ValueError):
            plan.chosen(cases, ["nothing"])

    def test_words(self):
        arguments = {"a": 0, "b": None, "c": False, "d": True, "e": "5M"}
        self.assertEqual(case.command_words(arguments), ["--a", "0", "--d", "--e", "5M"])
        self.assertEqual(size("64M"), 64 * MB)
        self.assertEqual(managers.expand("java-z,go"), ["java-z", "go"])
        self.assertEqual(len(managers.expand("java")), 5)
        self.assertEqual(managers.expand("malloc"), ["malloc"])
        with self.assertRaises(ValueError):
            managers.expand("nothing")


class Commands(unittest.TestCase):
    """How the variant with major cycles only is told so."""
    OFF = "gc.generational=no"

    def words(self, name, **changed):
        programs = managers.Programs("build", "peers")
        return managers.command(programs, one_case(**changed), name, 3 * MB)

    def test_workload(self):
        words = self.words("lull-major").words
        options = words[words.index("--options") + 1].split(",")
        self.assertIn(self.OFF, options)
        self.assertIn(f"heap.initial={3 * MB}", options)
        self.assertNotIn(self.OFF, " ".join(self.words("lull").words))

    def test_part(self):
        words = self.words("lull-major", kind="micro", program="barrier").words
        self.assertEqual(words[-2:], ("--options", self.OFF))
        self.assertNotIn("--options", self.words("lull", kind="micro", program="barrier").words)

    def test_textindex(self):
        with mock.patch.dict(os.environ, LULL_OPTIONS="strict"):
            major = self.words("lull-major", kind="textindex", program="textindex")
            self.assertEqual(major.environment["LULL_OPTIONS"], self.OFF)
            plain = self.words("lull", kind="textindex", program="textindex")
            self.assertNotIn("LULL_OPTIONS", plain.environment)

    def test_minimal_heap_is_without_minors(self):
        self.assertIn(self.OFF, minimal.OPTIONS.split(","))


class Whole(unittest.TestCase):
    """A series over fake programs, and its report."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.programs = managers.Programs(self.folder.name, os.path.join(self.folder.name, "peers"))
        os.makedirs(os.path.join(self.folder.name, "bench", "workloads"))
        for name in ("lull", "malloc"):
            path = os.path.join(self.folder.name, "bench", "workloads", "churn-" + name)
            with open(path, "w", encoding="utf-8") as file:
                file.write(f"#!/bin/sh\nexec '{sys.executable}' -B '{FAKE}' \"$@\"\n")
            os.chmod(path, 0o755)

    def tearDown(self):
        self.folder.cleanup()

    def run_series(self, one, **environment):
        said = io.StringIO()
        kept = os.path.join(self.folder.name, "minimal.json")
        minimums = minimal.Minimums(self.programs, kept, 1 << 34)
        made = series.Series(self.programs, minimums, progress.Progress(io.StringIO(), said),
                             one_case(name="control"), None, 1)
        with mock.patch.dict(os.environ, environment):
            found = made.run([one])
        return found, said.getvalue()

    def test_rounds_skipped_and_control(self):
        found, said = self.run_series(one_case(others=("boehm",), control=True))
        self.assertEqual(found.problems, [])
        self.assertEqual(len(found.of("c", "lull")), 3)
        self.assertEqual(len(found.of("c", "control")), 3)
        self.assertIn("boehm in c", said)
        self.assertIn("was not built", said)
        self.assertEqual(found.pairs("c", "wall", "lull", "malloc"), [(2e6, 2e6)] * 3)

    def test_both_variants_in_one_table(self):
        found, _ = self.run_series(one_case(claims=("lull-major", "malloc"), others=("lull",)))
        table = tables.case_table(found, found.cases()[0])
        self.assertEqual(table.head[2:6], ["Lull / this", "95 % interval",
                                           "Lull, majors only / this", "95 % interval"])
        self.assertEqual([row[0] for row in table.rows],
                         ["Lull", "Lull, majors only", "malloc (glibc)"])
        self.assertEqual([row[2] for row in table.rows], ["–", "1.00", "1.00"])
        self.assertEqual([row[4] for row in table.rows], ["1.00", "–", "1.00"])

    def test_case_ends_with_the_variant_it_is_about(self):
        one = one_case(claims=("lull-major", "malloc"), others=("lull",))
        found, _ = self.run_series(one, FAKE="fail")
        self.assertLessEqual(len(found.runs), 3)
        self.assertEqual([run_.manager for run_ in found.runs].count("lull-major"), 1)

    def test_minimal_heap_is_found_and_kept(self):
        one = one_case(heap=Minimal(2.0))
        found, _ = self.run_series(one, FAKE_LEAST=str(5 * MB))
        self.assertLessEqual(5 * MB, found.minimums["c"])
        self.assertLessEqual(found.minimums["c"], 5.2 * MB)
        self.assertGreaterEqual(found.heaps["c"], 10 * MB)
        _, said = self.run_series(one, FAKE_LEAST=str(50 * MB))
        self.assertNotIn("minimal heap", said, "it is known already")

    def test_failing_program(self):
        found, said = self.run_series(one_case(), FAKE="fail")
        self.assertTrue(found.problems)
        self.assertIn("PROBLEM", said)

    def test_report(self):
        found, _ = self.run_series(one_case(control=True, others=("lull-major",)))
        found.problems.append("a <problem>")
        verdicts = goals.judge_all(found)
        setting = report.Setting("Title", {"CPU": "a < b", "memory": "1 GB, free"}, 65.0, False, 1)
        report.write_all(self.folder.name, setting, found, verdicts)
        with open(os.path.join(self.folder.name, "report.html"), encoding="utf-8") as file:
            text = file.read()
        self.assertIn("a &lt;problem&gt;", text)
        self.assertNotIn("a <problem>", text)
        self.assertIn("malloc (glibc)", text)
        self.assertIn("Lull, majors only / this", text)
        for outside in ("http://", "https://", "<script"):
            self.assertNotIn(outside, text)
        with open(os.path.join(self.folder.name, "results.json"), encoding="utf-8") as file:
            self.assertEqual(len(json.load(file)["runs"]), 10)
        said = "\n".join(report.summary(setting, found, verdicts, self.folder.name))
        self.assertIn("1 problems", said)


class Readme(unittest.TestCase):
    def test_between_the_markers(self):
        with tempfile.TemporaryDirectory() as folder:
            page, table = os.path.join(folder, "README.md"), os.path.join(folder, "report.md")
            with open(table, "w", encoding="utf-8") as file:
                file.write("| new |\n")
            with open(page, "w", encoding="utf-8") as file:
                file.write(f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n")
            for _ in range(2):
                readme.update(page, table)
                with open(page, encoding="utf-8") as file:
                    self.assertEqual(file.read(),
                                     f"before\n{readme.BEGIN}\n| new |\n{readme.END}\nafter\n")
            with open(page, "w", encoding="utf-8") as file:
                file.write("no markers\n")
            with self.assertRaises(ValueError):
                readme.update(page, table)

    def test_rows_of_one_subject_are_one(self):
        made = []
        for live, value in (("64 MB", 1.0), ("512 MB", 2.0)):
            text = f"churn, {live} live, wall time to malloc"
            goal = goals.Goal(text, "c", "wall", "ratio", 1.6)
            estimate = goals.Estimate(value, None, None, 3)
            made.append(goals.Verdict(goal, "met" if value < 1.6 else "missed", False, estimate))
        text = readme.markdown({}, results.Results(), made)
        row = "| churn, wall time to malloc | 1.00 to 2.00 | at most 1.60 | missed in 1 of 2 |"
        self.assertIn(row, text)

    def test_variants_are_told_apart(self):
        made = []
        for manager, kind in (("lull-major", "ratio"), ("lull", "ahead")):
            goal = goals.Goal("wall time", "c", "wall", kind, 1.5, manager=manager)
            made.append(goals.Verdict(goal, "met", True, goals.Estimate(1.5, None, None, 3)))
        lines = readme.markdown({}, results.Results(), made).splitlines()
        titles = [f"| **{goals.TITLES[name]}** | | | |" for name in managers.LULL]
        self.assertEqual(lines[2:6], [titles[0], "| wall time | 1.50 | at least 1.50 | met |",
                                      titles[1], "| wall time | 1.50 | at most 1.50 | met |"])


class Arguments(unittest.TestCase):
    def test_wrong_ones_end_with_2(self):
        for words in (["--pairs", "0"], ["--pairs", "x"], ["--nothing"], ["--on", "churn"]):
            with self.assertRaises(SystemExit) as caught, mock.patch("sys.stderr", io.StringIO()):
                main.arguments(words)
            self.assertEqual(caught.exception.code, 2)
        with mock.patch("sys.stderr", io.StringIO()) as said:
            self.assertEqual(main.main(["--only", "nothing"]), 2)
            self.assertEqual(main.main(["--peers", "nothing"]), 2)
        self.assertEqual(said.getvalue().count("\n"), 2)


if __name__ == "__main__":
    unittest.main()
