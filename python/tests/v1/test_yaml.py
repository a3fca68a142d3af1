"""The part of YAML that conda files and run configurations are written in."""

import random
import unittest

from outhaul_azureml.config import yaml

CASES = [
    ("", None),
    ("# only a comment\n---\n", None),
    ("a: 1\nb: two\n", {"a": 1, "b": "two"}),
    ("a: 3.10\n", {"a": 3.1}),
    ("a: 1.2.3\nb: 2021-01-01\nc: 1e3\n", {"a": "1.2.3", "b": "2021-01-01", "c": 1000.0}),
    (
        "a: yes\nb: true\nc: False\nd: ~\ne: null\nf:\n",
        {"a": "yes", "b": True, "c": False, "d": None, "e": None, "f": None},
    ),
    ("dependencies:\n- python=3.8\n- pip:\n  - a==1\n", {"dependencies": ["python=3.8", {"pip": ["a==1"]}]}),
    ("dependencies:\n  - python>=3.9  # why\n  - pip\n", {"dependencies": ["python>=3.9", "pip"]}),
    ("u: http://a.b/c#d\n", {"u": "http://a.b/c#d"}),
    ("a: 'it''s'\nb: \"x\\ty # z\"\n", {"a": "it's", "b": "x\ty # z"}),
    ("a: [1, b, 'c d']\nb: {x: 1, y: [2]}\n", {"a": [1, "b", "c d"], "b": {"x": 1, "y": [2]}}),
    ("a: [1,\n    2]\n", {"a": [1, 2]}),
    ("a: |\n  x # y\n\n    z\nb: >-\n  c\n  d\n", {"a": "x # y\n\n  z\n", "b": "c d"}),
    ("- a: 1\n  b: 2\n- - c\n  - d\n-\n", [{"a": 1, "b": 2}, ["c", "d"], None]),
    ("a: one\n  two\nb: 3\n", {"a": "one two", "b": 3}),
    ("$schema: x\nC:\\dir: 1\n", {"$schema": "x", "C:\\dir": 1}),
]

REFUSED = [
    ("a: 1\na: 2\n", "twice"),
    ("a: 1\n  b: 2\n", "line"),
    ("a:\n\t- b\n", "tab"),
    ("a: &x 1\n", "anchors"),
    ("a: *x\n", "anchors"),
    ("a: [1, 2\n", "not closed"),
    ("a: 'b\n", "not whole"),
    ('a: "b" c\n', "cannot read"),
]


class Yaml(unittest.TestCase):
    def test_reading(self):
        for text, value in CASES:
            with self.subTest(text):
                self.assertEqual(yaml.load(text), value)

    def test_what_is_not_read_is_refused_with_its_line(self):
        for text, why in REFUSED:
            with self.subTest(text), self.assertRaisesRegex(yaml.YamlError, why):
                yaml.load(text)

    def test_what_is_written_reads_the_same(self):
        chance = random.Random(7)
        texts = [
            "a",
            "",
            " a",
            "true",
            "1",
            "1.5",
            "null",
            "- x",
            "a: b",
            "x #y",
            "é",
            "[",
            "a\nb",
            "*",
            "@",
            "=1",
            "3.8.13",
        ]

        def any_value(depth):
            kind = chance.randrange(8 if depth else 6)
            if kind < 4:
                return chance.choice(texts)
            if kind < 6:
                return chance.choice([0, -3, 1.25, True, False, None, [], {}])
            if kind == 6:
                return [any_value(depth - 1) for _ in range(chance.randrange(4))]
            return {chance.choice(texts): any_value(depth - 1) for _ in range(chance.randrange(4))}

        for _ in range(3000):
            value = any_value(4)
            with self.subTest(value=value):
                self.assertEqual(yaml.load(yaml.dump(value)), value)

    def test_any_text_is_read_or_refused(self):
        chance = random.Random(11)
        for _ in range(3000):
            text = "".join(chance.choice("ab: -\n  []{}'\"#|>&*,~1.\t") for _ in range(chance.randrange(40)))
            with self.subTest(text):
                try:
                    yaml.load(text)
                except yaml.YamlError:
                    pass


if __name__ == "__main__":
    unittest.main()
