"""Datasets of rows: delimited text, Parquet, JSON lines. pandas is imported when rows are asked for, not before."""

import json
import random

from outhaul_azureml.data import paths
from outhaul_azureml.data.dataset import AbstractDataset
from outhaul_azureml.errors import UserErrorException
from outhaul_azureml.planned import known_as

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WORDS = {"true": True, "false": False}


@known_as("azureml.data.tabular_dataset")
class TabularDataset(AbstractDataset):
    """Rows. What is done to them is noted, and done when they are read."""

    def _and(self, *step: "Any") -> "TabularDataset":
        return self._with(steps=self._definition["steps"] + [list(step)])  # type: ignore[no-any-return]

    def to_pandas_dataframe(self, on_error: str = "null", out_of_range_datetime: str = "null") -> "Any":
        """The rows as a data frame."""
        frame = _read(self._definition)
        for step in self._definition["steps"]:
            frame = _STEPS[step[0]](frame, *step[1:])
        return frame

    def skip(self, count: int) -> "TabularDataset":
        """Without its first rows."""
        return self._and("skip", count)

    def take(self, count: int) -> "TabularDataset":
        """Its first rows."""
        return self._and("take", count)

    def take_sample(self, probability: float, seed: "int | None" = None) -> "TabularDataset":
        """Each row with a probability."""
        return self._and("sample", probability, _seed(seed), True)

    def random_split(self, percentage: float, seed: "int | None" = None) -> "tuple[TabularDataset, TabularDataset]":
        """Two parts, the first with about this share of the rows."""
        fixed = _seed(seed)
        return self._and("sample", percentage, fixed, True), self._and("sample", percentage, fixed, False)

    def keep_columns(self, columns: "Any", validate: bool = False) -> "TabularDataset":
        """These columns only."""
        made = self._and("keep", [columns] if isinstance(columns, str) else list(columns))
        return _validated(made, validate)

    def drop_columns(self, columns: "Any") -> "TabularDataset":
        """Without these columns."""
        return self._and("drop", [columns] if isinstance(columns, str) else list(columns))


def _seed(seed: "int | None") -> int:
    return random.randrange(1 << 30) if seed is None else seed


def _validated(made: TabularDataset, validate: bool) -> TabularDataset:
    if validate:
        made.take(1).to_pandas_dataframe()
    return made


def _keep(frame: "Any", columns: "list[str]") -> "Any":
    missing = [one for one in columns if one not in frame.columns]
    if missing:
        raise UserErrorException("The dataset has no column {}; it has {}".format(missing[0], ", ".join(frame.columns)))
    return frame[columns]


def _sample(frame: "Any", share: float, seed: int, first: bool) -> "Any":
    chance = random.Random(seed)
    return frame[[(chance.random() < share) is first for _ in range(len(frame))]].reset_index(drop=True)


_STEPS = {  # type: dict[str, Any]
    "skip": lambda frame, count: frame.iloc[count:].reset_index(drop=True),
    "take": lambda frame, count: frame.iloc[:count],
    "sample": _sample,
    "keep": _keep,
    "drop": lambda frame, columns: frame.drop(columns=[one for one in columns if one in frame.columns]),
}


def _read(definition: "dict[str, Any]") -> "Any":
    try:
        import pandas  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        raise UserErrorException(
            "pandas is not installed here, and rows of a dataset are read with it: add pandas to the environment"
        ) from None
    options = definition["options"]
    frames = []
    found = paths.files(definition["paths"])
    paths.check(definition["paths"], found)
    for _, path in found:
        frame = _READERS[definition["format"]](pandas, path, options)
        if options.get("include_path"):
            frame.insert(0, "Path", path)
        frames.append(frame)
    whole = frames[0] if len(frames) == 1 else pandas.concat(frames, ignore_index=True)
    for column, kind in (options.get("types") or {}).items():
        whole[column] = _typed(pandas, whole[column], kind)
    return whole


def _delimited(pandas: "Any", path: str, options: "dict[str, Any]") -> "Any":
    given = {"sep": options["separator"], "encoding": _ENCODINGS.get(options["encoding"], options["encoding"])}
    given["header"] = 0 if options["header"] else None
    if not options["infer"]:
        given["dtype"] = str
    if options["empty_as_string"]:
        given["keep_default_na"] = False
    frame = pandas.read_csv(path, **given)
    if not options["header"]:
        frame.columns = ["Column{}".format(place + 1) for place in range(len(frame.columns))]
    return frame


_ENCODINGS = {
    "utf8": "utf-8",
    "iso88591": "iso-8859-1",
    "latin1": "latin-1",
    "utf16": "utf-16",
    "windows1252": "cp1252",
}
_READERS = {  # type: dict[str, Any]
    "delimited": _delimited,
    "parquet": lambda pandas, path, options: pandas.read_parquet(path),
    "jsonlines": lambda pandas, path, options: pandas.read_json(path, lines=True),
}


def _typed(pandas: "Any", column: "Any", kind: "list[Any]") -> "Any":
    if kind[0] == "string":
        return column.astype(str)
    if kind[0] == "long":
        return pandas.to_numeric(column, errors="coerce").astype("Int64")
    if kind[0] == "float":
        if kind[1] != ".":
            column = column.astype(str).str.replace(kind[1], ".", regex=False)
        return pandas.to_numeric(column, errors="coerce")
    if kind[0] == "bool":
        return column.map(lambda cell: _WORDS.get(str(cell).strip().lower()))
    formats = kind[1] or [None]
    made = pandas.to_datetime(column, format=formats[0], errors="coerce")
    for one in formats[1:]:
        made = made.fillna(pandas.to_datetime(column, format=one, errors="coerce"))
    return made


def from_text(text: str) -> TabularDataset:
    """A dataset as it reached a run."""
    made = TabularDataset()
    made._definition = json.loads(text)
    return made


@known_as("azureml.data.dataset_factory")
class DataType:
    """What a column shall hold, for `set_column_types`."""

    def __init__(self, kind: "list[Any]") -> None:
        self._kind = kind

    @staticmethod
    def to_string() -> "DataType":
        """Text."""
        return DataType(["string"])

    @staticmethod
    def to_long() -> "DataType":
        """Whole numbers."""
        return DataType(["long"])

    @staticmethod
    def to_float(decimal_mark: str = ".") -> "DataType":
        """Numbers."""
        return DataType(["float", decimal_mark])

    @staticmethod
    def to_bool() -> "DataType":
        """Truth values."""
        return DataType(["bool"])

    @staticmethod
    def to_datetime(formats: "Any" = None) -> "DataType":
        """Times."""
        return DataType(["datetime", [formats] if isinstance(formats, str) else formats])


@known_as("azureml.data.dataset_factory")
class TabularDatasetFactory:
    """Makes datasets of rows: `Dataset.Tabular`."""

    @staticmethod
    def from_delimited_files(
        path: "Any",
        validate: bool = True,
        include_path: bool = False,
        infer_column_types: bool = True,
        set_column_types: "dict[str, DataType] | None" = None,
        separator: str = ",",
        header: "Any" = True,
        partition_format: "str | None" = None,
        support_multi_line: bool = False,
        empty_as_string: bool = False,
        encoding: str = "utf8",
    ) -> TabularDataset:
        """Rows of CSV files and the like."""
        options = {
            "separator": separator,
            "header": _has_header(header),
            "infer": infer_column_types,
            "empty_as_string": empty_as_string,
            "encoding": encoding,
        }
        return _made("delimited", path, validate, include_path, set_column_types, partition_format, options)

    @staticmethod
    def from_parquet_files(
        path: "Any",
        validate: bool = True,
        include_path: bool = False,
        set_column_types: "dict[str, DataType] | None" = None,
        partition_format: "str | None" = None,
    ) -> TabularDataset:
        """Rows of Parquet files."""
        return _made("parquet", path, validate, include_path, set_column_types, partition_format, {})

    @staticmethod
    def from_json_lines_files(
        path: "Any",
        validate: bool = True,
        include_path: bool = False,
        set_column_types: "dict[str, DataType] | None" = None,
        partition_format: "str | None" = None,
        invalid_lines: str = "error",
        encoding: str = "utf8",
    ) -> TabularDataset:
        """Rows of files with a JSON object in each line."""
        if invalid_lines != "error":
            from outhaul_azureml.planned import not_yet

            raise not_yet("azureml.data.dataset_factory.TabularDatasetFactory.from_json_lines_files(invalid_lines=...)")
        return _made("jsonlines", path, validate, include_path, set_column_types, partition_format, {})


def _has_header(header: "Any") -> bool:
    # v1 also takes the members of an enumeration; the one for "none" says so in its name.
    return "NO_HEADERS" not in str(header) if not isinstance(header, bool) else header


def _made(
    kind: str,
    path: "Any",
    validate: bool,
    include_path: bool,
    types: "dict[str, DataType] | None",
    partition_format: "str | None",
    options: "dict[str, Any]",
) -> TabularDataset:
    if partition_format is not None:
        from outhaul_azureml.planned import not_yet

        raise not_yet("azureml.data.dataset_factory.TabularDatasetFactory (partition_format=...)")
    made = TabularDataset()
    options["include_path"] = include_path
    options["types"] = {column: one._kind for column, one in (types or {}).items()}
    made._definition = {"kind": "tabular", "format": kind, "paths": paths.real(path), "options": options, "steps": []}
    if validate:
        paths.check(made._definition["paths"], paths.files(made._definition["paths"]))
    return made
