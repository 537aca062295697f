"""Known answers for bench/harness/stats.py, and by simulation how often an interval holds the
truth."""
import math
import os
import random
import sys
import unittest

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
sys.path.insert(0, os.path.join(TOP, "bench", "harness"))

import stats  # noqa: E402


class Median(unittest.TestCase):
    def test_odd_even_and_unsorted(self):
        self.assertEqual(stats.median([3, 1, 2]), 2)
        self.assertEqual(stats.median([4, 1, 3, 2]), 2.5)
        self.assertEqual(stats.median([7]), 7)

    def test_infinite_values_give_no_nan(self):
        self.assertEqual(stats.median([1.0, math.inf, math.inf, math.inf]), math.inf)

    def test_nothing_is_refused(self):
        with self.assertRaises(ValueError):
            stats.median([])


class SignTest(unittest.TestCase):
    # From tables of the binomial distribution: the rank of the lower end at 95 %.
    RANKS = {5: 0, 6: 1, 8: 1, 9: 2, 10: 2, 12: 3, 15: 4, 16: 4, 20: 6, 25: 8, 30: 10, 50: 18}

    def test_ranks(self):
        for count, rank in self.RANKS.items():
            self.assertEqual(stats.sign_test_rank(count), rank, f"{count} values")

    def test_99_percent(self):
        self.assertEqual(stats.sign_test_rank(7, 0.99), 0)
        self.assertEqual(stats.sign_test_rank(8, 0.99), 1)
        self.assertEqual(stats.sign_test_rank(15, 0.99), 3)

    def test_rank_is_the_largest(self):
        for count in range(6, 60):
            rank = stats.sign_test_rank(count)
            below = [sum(math.comb(count, i) for i in range(k)) for k in (rank, rank + 1)]
            self.assertLessEqual(below[0] / 2 ** count, 0.025)
            self.assertGreater(below[1] / 2 ** count, 0.025)


class Intervals(unittest.TestCase):
    def test_fifteen_values(self):
        estimate = stats.median_interval(list(range(15, 0, -1)))
        self.assertEqual(estimate, stats.Estimate(8, 4, 12, 15))

    def test_too_few(self):
        estimate = stats.median_interval([1, 2, 3, 4, 5])
        self.assertEqual((estimate.value, estimate.low, estimate.high), (3, None, None))

    def test_ratio_is_of_pairs_not_of_medians(self):
        # The machine becomes ten times slower half-way: the ratio of each pair is still 2.
        pairs = [(2.0 * speed, speed) for speed in [1, 1, 1, 1, 10, 10, 10]]
        estimate = stats.ratio(pairs)
        self.assertEqual((estimate.value, estimate.low, estimate.high), (2, 2, 2))

    def test_nothing_against_nothing(self):
        self.assertEqual(stats.quotient(0, 0), 1)
        self.assertEqual(stats.quotient(3, 0), math.inf)
        self.assertEqual(stats.quotient(3, 2), 1.5)

    def test_totals(self):
        estimate = stats.total_ratio([(3, 1), (0, 2), (3, 1), (2, 0), (1, 1), (1, 0)])
        self.assertEqual(estimate.value, 2)
        self.assertLess(estimate.low, 2)
        self.assertGreater(estimate.high, 2)
        self.assertIsNone(stats.total_ratio([(3, 1)]).low)

    def test_same_seed_same_interval(self):
        pairs = [(random.Random(i).random(), 1.0) for i in range(10)]
        self.assertEqual(stats.total_ratio(pairs, seed=3), stats.total_ratio(pairs, seed=3))


class Coverage(unittest.TestCase):
    """The share of 2,000 experiments in which the interval encloses the true value."""
    EXPERIMENTS = 2000

    def share(self, chance, count, draw, truth):
        held = 0
        for _ in range(self.EXPERIMENTS):
            estimate = stats.median_interval([draw(chance) for _ in range(count)])
            held += estimate.low <= truth <= estimate.high
        return held / self.EXPERIMENTS

    def test_median_of_a_skewed_distribution(self):
        chance = random.Random(7)
        for count in (6, 9, 15, 25):
            rank = stats.sign_test_rank(count)
            exact = 1 - 2 * sum(math.comb(count, i) for i in range(rank)) / 2 ** count
            share = self.share(chance, count, lambda c: c.lognormvariate(0.0, 1.0), 1.0)
            # Four standard deviations of the share itself.
            self.assertAlmostEqual(share, exact, delta=4 * math.sqrt(exact * (1 - exact) / 2000))
            self.assertGreaterEqual(exact, 0.95)

    def test_an_interval_one_rank_too_narrow_would_be_noticed(self):
        chance, held = random.Random(8), 0
        for _ in range(self.EXPERIMENTS):
            values = sorted(chance.gauss(0, 1) for _ in range(15))
            held += values[4] <= 0 <= values[-5]
        self.assertLess(held / self.EXPERIMENTS, 0.95)

    def test_totals_of_clustered_counts(self):
        # Stalls in clusters; the bootstrap of 15 rounds is somewhat too narrow, not much.
        chance, held, experiments = random.Random(9), 0, 150
        for number in range(experiments):
            pairs = [(self.cluster(chance), self.cluster(chance)) for _ in range(15)]
            estimate = stats.total_ratio(pairs, seed=number)
            held += estimate.low <= 1.0 <= estimate.high
        self.assertGreater(held / experiments, 0.85)

    @staticmethod
    def cluster(chance):
        return sum(chance.randint(1, 5) for _ in range(chance.randint(0, 6)))


class Orders(unittest.TestCase):
    def test_each_comes_first_as_often(self):
        names = ["a", "b", "c"]
        rounds = stats.orders(names, 16)
        self.assertEqual(len(rounds), 16)
        for order in rounds:
            self.assertEqual(sorted(order), names)
        for one, two in (("a", "b"), ("b", "c"), ("a", "c")):
            first = sum(order.index(one) < order.index(two) for order in rounds)
            self.assertEqual(first, 8)

    def test_seed(self):
        names = list("abcdefgh")
        self.assertEqual(stats.orders(names, 5, 1), stats.orders(names, 5, 1))
        self.assertNotEqual(stats.orders(names, 5, 1), stats.orders(names, 5, 2))


if __name__ == "__main__":
    unittest.main()
