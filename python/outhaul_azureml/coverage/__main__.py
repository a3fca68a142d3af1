"""The command: `python -m outhaul_azureml.coverage FILE...`."""

import argparse
import sys

from outhaul_azureml.coverage import calls, report, source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List, Optional

_EXAMPLES = """examples:
  python -m outhaul_azureml.coverage train.py
  python -m outhaul_azureml.coverage --format json notebook.ipynb

exit codes: 0 all files were read; 2 one of them could not be
"""


def main(arguments: "Optional[List[str]]" = None) -> int:
    """Says of each call of Azure ML in the files whether it works here."""
    parser = argparse.ArgumentParser(
        prog="python -m outhaul_azureml.coverage",
        description="Which calls of Azure ML in scripts and notebooks work with Outhaul, and which do not yet. "
        "Nothing is executed.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", metavar="FILE", help="a script or a notebook")
    parser.add_argument("--format", choices=["text", "json"], default="text", help="how the answer is written")
    asked = parser.parse_args(arguments)
    found = []
    for path in asked.files:
        try:
            uses = calls.find(source.parts(path), path)
        except (source.SourceError, SyntaxError) as error:
            sys.stderr.write(
                "error: {}\n".format(error if isinstance(error, source.SourceError) else _syntax(path, error))
            )
            return 2
        if asked.format == "json":
            found.append(report.data(path, uses))
        else:
            print(report.text(path, uses))
    if asked.format == "json":
        print(report.as_json(found))
    return 0


def _syntax(path: str, error: SyntaxError) -> str:
    return "`{}` is not Python, line {}: {}".format(path, error.lineno, error.msg)


if __name__ == "__main__":
    sys.exit(main())
