"""Learn the model of offers from the labelled samples: ``make content-model``.

The same samples give the same file on every machine. The lists' groups are met as they are now; so where words of a
sample are in the lists already, what is learnt of its groups is what these say. With ``--without SET`` a set is left
out and judged: what the model would make of texts that nobody has seen.
"""

from __future__ import annotations

import argparse
import base64
import json
import random
import re
from collections.abc import Iterable, Sequence
from math import log, sqrt
from pathlib import Path
from typing import Final, NamedTuple

from policies.forbidden.matching import Matcher
from policies.forbidden.model import (
    BUCKETS,
    CLASS_BUCKETS,
    GROUP,
    LEAST_WORDS,
    OWN,
    class_places,
    group_of,
    parsed,
    pieces_of,
)
from policies.forbidden.word_lists import WordClass, read_lists

SAMPLES: Final = Path(__file__).resolve().parent.parent / "samples" / "content"
HONEST: Final = "ordinary"
HELD: Final = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh")
ROUNDS: Final = 14
COST: Final = 3.0
"""Of a sample on the wrong side, beside that of large weights."""
POINTS: Final = 15.0
"""Of the lists, that one unit of the learnt score is worth."""
_LINE: Final = re.compile(r"(?P<language>[a-z]{2})(?P<verdict>[+-]) (?P<text>.+)")
Vector = list[tuple[int, float]]


class Sample(NamedTuple):
    set: str
    class_: str
    text: str


def samples() -> list[Sample]:
    """All that are labelled."""
    found = [
        Sample(file.split(".")[0], one["class"], f"{one['subject']}\n\n{one['text']}")
        for file in ("forbidden.jsonl", "forbidden_en.jsonl", "oblique.jsonl", "ordinary.jsonl")
        for one in map(json.loads, (SAMPLES / file).read_text("utf-8").splitlines())
    ]
    found += [Sample("near", HONEST, text) for text in (SAMPLES / "near.txt").read_text("utf-8").splitlines()]
    for name in ("everyday", "own", "taught", *(f"held_{which}" for which in HELD)):
        found += written(name)
    return found


def mixed(chance: random.Random, honest: Sequence[str], number: int = 900) -> list[Sample]:
    """Stretches of several honest samples, as long as what the model looks at."""
    found = []
    for _ in range(number):
        words = " ".join(chance.sample(honest, 4)).split()
        start = chance.randrange(max(1, len(words) - 40))
        found.append(Sample("mixed", HONEST, " ".join(words[start : start + chance.choice((24, 36, 48))])))
    return found


def written(name: str) -> list[Sample]:
    found, class_ = [], ""
    for line in (SAMPLES / f"{name}.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            class_ = line.strip("[]")
        elif (match := _LINE.fullmatch(line)) is not None:
            found.append(Sample(name, class_ if match["verdict"] == "+" else HONEST, match["text"]))
    return found


class Learner:
    """What samples are made of, and what is learnt from them."""

    def __init__(self, matcher: Matcher) -> None:
        self._matcher = matcher
        self._pieces: dict[str, Vector] = {}

    def vector(self, text: str) -> Vector:
        """Places in the table, and how much of each."""
        words, groups = self._matcher.noticed(text)
        summed: dict[int, float] = {}
        for word in words:
            for place, value in self._of_word(word):
                summed[place] = summed.get(place, 0.0) + value
        for class_, group in sorted(groups):
            place = group_of(class_, group)
            summed[place] = summed.get(place, 0.0) + GROUP
        length = sqrt(max(LEAST_WORDS, len(words)))
        return [(place, value / length) for place, value in sorted(summed.items())]

    def _of_word(self, word: str) -> Vector:
        kept = self._pieces.get(word)
        if kept is None:
            places = pieces_of(word)
            share = 1 / sqrt(max(1, len(places) - 2))
            kept = [(place, share if number > 1 else 1.0) for number, place in enumerate(places)]
            self._pieces[word] = kept
        return kept

    def class_vector(self, text: str) -> Vector:
        words, groups = self._matcher.noticed(text)
        return [(place, 1.0) for place in class_places(words, sorted(groups))]


def learn(vectors: Sequence[Vector], offends: Sequence[bool], buckets: int, rounds: int = ROUNDS) -> list[float]:
    """Weights, the last of them for nothing: a support vector machine with squared loss, by dual coordinates.

    Hsieh and others, A Dual Coordinate Descent Method for Large-scale Linear SVM (2008), algorithm 1.
    """
    weights = [0.0] * (buckets + 1)
    alphas = [0.0] * len(vectors)
    rows = [[*vector, (buckets, 1.0)] for vector in vectors]
    share = sum(offends) / len(offends)
    half = [0.5 / (COST * (0.5 / share if one else 0.5 / (1 - share))) for one in offends]
    squares = [sum(value * value for _, value in row) + half[n] for n, row in enumerate(rows)]
    order = list(range(len(rows)))
    chance = random.Random(1)
    for _ in range(rounds):
        chance.shuffle(order)
        for number in order:
            sign = 1.0 if offends[number] else -1.0
            row = rows[number]
            total = 0.0
            for place, value in row:
                total += weights[place] * value
            new = max(0.0, alphas[number] - (sign * total - 1 + half[number] * alphas[number]) / squares[number])
            step = (new - alphas[number]) * sign
            if step:
                alphas[number] = new
                for place, value in row:
                    weights[place] += step * value
    return weights


def _by_class(learner: Learner, offers: Sequence[Sample], classes: Sequence[str]) -> list[float]:
    """For each place the weights of all classes: how much oftener one has it than the others (naive Bayes)."""
    counts = [[0.3] * CLASS_BUCKETS for _ in classes]
    for one in offers:
        own = counts[classes.index(one.class_)]
        for place, _ in learner.class_vector(one.text):
            own[place] += 1
    sums = [sum(one) for one in counts]
    logs = [[log(value / whole) for value in one] for one, whole in zip(counts, sums, strict=True)]
    table = []
    for place in range(CLASS_BUCKETS):
        mean = sum(one[place] for one in logs) / len(logs)
        table += [one[place] - mean for one in logs]
    return table


def _packed(values: Iterable[float]) -> tuple[bytes, float]:
    """One octet each, and what a step of it is worth."""
    every = list(values)
    scale = max(abs(one) for one in every) / 127 or 1.0
    return bytes(max(-127, min(127, round(one / scale))) + 128 for one in every), scale


def taught(learner: Learner, every: Sequence[Sample]) -> list[float]:
    """Weights learnt from these, and from mixtures of the honest ones."""
    every = [*every, *mixed(random.Random(11), [one.text for one in every if one.class_ == HONEST])]
    return learn([learner.vector(one.text) for one in every], [one.class_ != HONEST for one in every], BUCKETS)


def made(learner: Learner, every: Sequence[Sample]) -> str:
    """The model's file."""
    weights = taught(learner, every)
    offers = [one for one in every if one.class_ != HONEST]
    classes = sorted({one.class_ for one in offers})
    table, scale = _packed(weights[:-1])
    by_class, _ = _packed(_by_class(learner, offers, classes))
    return (
        f"# Made by make content-model of {len(offers)} offers and {len(every) - len(offers)} honest texts.\n"
        f"scale {scale * POINTS:.6g}\nbias {weights[-1] * POINTS:.6g}\nclasses {' '.join(classes)}\n"
        f"weights {base64.b64encode(table).decode()}\nby_class {base64.b64encode(by_class).decode()}\n"
    )


def judge(lists: Sequence[WordClass], every: Sequence[Sample], left_out: str) -> dict[str, tuple[int, int, int]]:
    """By the lists, and with a model that hasn't seen the set: offers found, honest texts held, texts."""
    alone = Matcher(lists)
    model = parsed(made(Learner(alone), [one for one in every if one.set != left_out]))
    unseen = [one for one in every if one.set == left_out]
    told = {}
    for name, matcher in (("lists", alone), ("lists and model", Matcher(lists, model))):
        held = [one for one in unseen if matcher.suspicions(one.text)]
        honest = sum(one.class_ == HONEST for one in held)
        told[name] = len(held) - honest, honest, len(unseen)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, default=OWN)
    parser.add_argument("--without", default="", help="a set that is left out and judged; nothing is written")
    args = parser.parse_args()
    lists, every = read_lists(), samples()
    if not args.without:
        args.to.write_text(made(Learner(Matcher(lists)), every), "ascii")
        return
    for name, (found, held, number) in judge(lists, every, args.without).items():
        print(f"{args.without}, {number} texts, by {name}: {found} offers found, {held} honest texts held")


if __name__ == "__main__":
    main()
