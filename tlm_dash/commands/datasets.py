"""`datasets import | list | show | delete`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tlm_dash.commands.command import HOW_NAMED, make_command
from tlm_dash.errors import InvalidInputError
from tlm_dash.terminal.printer import cells, entries, listed, say, say_json, shown, tell

if TYPE_CHECKING:
    from tlm_dash.services.dataset_upload import ImportResult, OpenQuestionsError
    from tlm_dash.services.datasets import Dataset

_FORMATS = ("csv", "tsv", "jsonl", "json", "parquet", "xlsx", "openai-batch", "text")


def add_commands(subparsers: Any) -> None:  # noqa: ANN401 - argparse has no public type for it
    """Add `datasets` and what follows it to the command line."""
    datasets = subparsers.add_parser(
        "datasets", help="import, list, show and delete datasets", description="Datasets from files."
    )
    commands = datasets.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_import(commands)
    make_command(commands, "list", _list, "all datasets, oldest first")
    show = make_command(
        commands, "show", _show, "one dataset: what is known of its file, its runs, its hygiene"
    )
    delete = make_command(commands, "delete", _delete, "take a dataset away for good, with its runs")
    for command in (show, delete):
        command.add_argument("dataset", metavar="DATASET", help=HOW_NAMED)
    delete.add_argument("--yes", action="store_true", help="confirm it")


def _add_import(commands: Any) -> None:  # noqa: ANN401
    add = make_command(commands, "import", _import, "make a dataset of a file")
    add.add_argument("file", nargs="+", type=Path, metavar="FILE", help="several for OpenAI Batch files")
    add.add_argument("--name", help="name of the dataset (default: the file's)")
    add.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="ROLE=COLUMN",
        help="role of a column, may be repeated; a score or label follows its response "
        "(other roles are guessed from names and contents, and asked where there are two readings)",
    )
    add.add_argument(
        "--leave-out",
        action="append",
        default=[],
        metavar="COLUMN",
        help="column without a role, may be repeated: it is kept beside the item",
    )
    add.add_argument("--sheet", help="sheet of a workbook, or key of a JSON object that holds the rows")
    add.add_argument(
        "--header-row",
        type=_header_row,
        metavar="N|none",
        help="row that names the columns, counted from 1; those above it are left out (default: found out)",
    )
    add.add_argument("--format", choices=_FORMATS, metavar="FORMAT", help=", ".join(_FORMATS))
    add.add_argument("--encoding", help="encoding of the text, such as cp1252 (default: found out)")
    add.add_argument("--delimiter", help="character between cells (default: found out)")


def _import(parsed: argparse.Namespace) -> int:
    # Imported here, as in every command: --help must not wait for the engine.
    from tlm_dash.services.dataset_inspection import Overrides, Said, discard, inspect
    from tlm_dash.services.dataset_upload import OpenQuestionsError, save
    from tlm_dash.services.place import OpenStore

    row = parsed.header_row
    overrides = Overrides(
        parsed.format, parsed.encoding, parsed.delimiter, parsed.sheet,
        has_header=None if row is None else row > 0, header_row=row or None,
    )  # fmt: skip
    pairs = [_pair(text) for text in parsed.map]
    said = Said(tuple(pairs), tuple(parsed.leave_out))
    with OpenStore() as place:
        inspection = inspect(place, parsed.file, overrides, said)
        try:
            if inspection.questions:
                raise OpenQuestionsError(inspection.questions)
            mapping = inspection.mapping if said.columns else None
            labels = [column for role, column in pairs if role == "label"]
            result = save(place, inspection, mapping, parsed.name, stated_labels=labels)
        except OpenQuestionsError as error:
            if parsed.json:
                say_json(_question_facts(error))
            raise
        finally:
            discard(inspection)
        rejected_file = _write_rejects(place, result)
    for line in entries((*result.warnings, *_trouble_with_scores(result))):
        tell(f"note: {line}")
    facts = _import_facts(result, rejected_file)
    _print(facts, as_json=parsed.json)
    return 0


def _question_facts(error: OpenQuestionsError) -> dict[str, Any]:
    """Give the questions of a file that has more than one reading; `map` is what to type for an answer."""
    return {
        "error": error.message,
        "hint": error.hint,
        "questions": [
            {
                "question": asked.question,
                "column": asked.column,
                "samples": list(asked.samples),
                "answers": [
                    {"label": answer.label, "map": " ".join(answer.arguments)} for answer in asked.answers
                ],
            }
            for asked in error.questions
        ],
    }


def _header_row(text: str) -> int:
    if text.lower() == "none":
        return 0
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a row counted from 1 nor none")
    return int(text)


def _pair(text: str) -> tuple[str, str]:
    role, equals, column = text.partition("=")
    if not equals or not column:
        raise InvalidInputError(
            f"--map {text!r} is not ROLE=COLUMN.", hint="For example --map prompt=question"
        )
    return role.strip(), column


def _write_rejects(place: Any, result: ImportResult) -> str | None:  # noqa: ANN401 - an OpenStore
    """Write the rows that could not be used beside the data, so that they can be mended; None without any."""
    from tlm_dash.services.datasets import rejects_csv

    if not result.n_rejected:
        return None
    folder: Path = place.settings.data_dir / "rejected"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{result.dataset_id}.csv"
    file.write_text(rejects_csv(place, result.dataset_id), encoding="utf-8", newline="")
    return str(file)


def _trouble_with_scores(result: ImportResult) -> list[str]:
    if not (n_bad := result.hygiene["bad_scores"]):
        return []
    are = "score is" if n_bad == 1 else "scores are"
    return [f"{n_bad:,} {are} no number from 0 to 1, so those rows are unscored: 87% and 8.7 of 10 are 0.87."]


def _import_facts(result: ImportResult, rejected_file: str | None) -> dict[str, Any]:
    return {
        "dataset_id": result.dataset_id,
        "name": result.name,
        "n_rows_in": result.n_rows_in,
        "n_items": result.n_items,
        "n_rejected": result.n_rejected,
        "rejected": [{"row": row.row_no, "reason": row.reason} for row in result.rejected],
        "rejected_file": rejected_file,
        "mapping": dict(result.mapping),
        "format": result.format,
        "encoding": result.encoding,
        "warnings": list(result.warnings),
        "hygiene": dict(result.hygiene),
        "runs": [
            {"run_id": run.run_id, "name": run.name, "response_column": run.response_column}
            for run in result.runs
        ],
    }


def _list(parsed: argparse.Namespace) -> int:
    from tlm_dash.services.datasets import listed
    from tlm_dash.services.place import OpenStore

    with OpenStore() as place:
        found = listed(place)
    if parsed.json:
        say_json({"datasets": [_dataset_facts(dataset) for dataset in found]})
    for dataset in [] if parsed.json else found:
        counts = f"{dataset.n_items:>9} items  {dataset.n_runs:>3} runs"
        say(f"{dataset.dataset_id[:8]}  {counts}  {shown(dataset.name)}")
    if not found:
        tell("There is no dataset yet: datasets import FILE makes one.")
    return 0


def _show(parsed: argparse.Namespace) -> int:
    from tlm_dash.services.datasets import runs_of, show
    from tlm_dash.services.place import OpenStore

    with OpenStore() as place:
        dataset = show(place, parsed.dataset)
        runs = runs_of(place, dataset.dataset_id)
    facts = _dataset_facts(dataset)
    facts["runs"] = [
        {
            "run_id": run.run_id,
            "name": run.name,
            "response_column": run.response_column,
            "n_items": run.n_items,
        }
        for run in runs
    ]
    _print(facts, as_json=parsed.json)
    return 0


def _delete(parsed: argparse.Namespace) -> int:
    from tlm_dash.services.datasets import delete
    from tlm_dash.services.place import OpenStore

    with OpenStore() as place:
        dataset = delete(place, parsed.dataset, confirmed=parsed.yes)
    _print({"dataset_id": dataset.dataset_id, "name": dataset.name, "deleted": True}, as_json=parsed.json)
    return 0


def _dataset_facts(dataset: Dataset) -> dict[str, Any]:
    return {
        "dataset_id": dataset.dataset_id,
        "name": dataset.name,
        "created_at": dataset.created_at.isoformat(),
        "file_name": dataset.file_name,
        "format": dataset.format,
        "encoding": dataset.encoding,
        "sheet": dataset.sheet,
        "size_bytes": dataset.size_bytes,
        "n_rows_in": dataset.n_rows_in,
        "n_items": dataset.n_items,
        "n_rejected": dataset.n_rejected,
        "n_runs": dataset.n_runs,
        "has_responses": dataset.has_responses,
        "has_scores": dataset.has_scores,
        "has_labels": dataset.has_labels,
        "has_references": dataset.has_references,
        "mapping": dict(dataset.mapping),
        "hygiene": dict(dataset.hygiene),
        "warnings": list(dataset.warnings),
    }


def _print(facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        say_json(facts)
        return
    for name, value in facts.items():
        if isinstance(value, list):
            say(f"{name}: {len(value)}")
            for line in entries(cells(part) for part in value):
                say(f"  {line}")
        elif isinstance(value, dict):
            say(f"{name}: " + listed(f"{shown(key)} {shown(one)}" for key, one in value.items()))
        else:
            say(f"{name}: {shown(value)}")
