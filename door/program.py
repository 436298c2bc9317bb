"""The command line: Invoke's parser, with help in every usual form and errors that suggest the nearest word."""

from __future__ import annotations

import ast
import difflib
import functools
import inspect
import os
import re
import shutil
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import invoke
from invoke import Collection, Program, Task
from invoke.exceptions import AmbiguousEnvVar, Exit, ParseError, UncastableEnvVar, UnknownFileType
from invoke.parser import Argument, ParserContext
from invoke.util import yaml

from door.command import readable_to_the_end
from pipeline.errors import ExitCode
from pipeline.interrupts import received_signal, stop_on_signals

HELP = ("-h", "--help")
WIDEST = 100
NAMES = 26  # columns for names; the help of a longer name goes below it
NARROW = 60  # on a narrower terminal all help goes below its option
SHORT_FLAGS = {"quiet": "q", "source": "s", "target": "t", "database": "d", "yes": "y"}
"""The flags that have a short form. It is the same in every task."""


class ProjectTask(Task[Callable[..., Any]]):
    """A task whose short flags are those of SHORT_FLAGS; Invoke would make up different ones in each task.

    may_be_left_out names positional arguments that are empty where a call lacks them.
    """

    def __init__(self, body: Callable[..., Any], *, may_be_left_out: Sequence[str] = (), **options: Any) -> None:
        super().__init__(body, **options)
        self.may_be_left_out = may_be_left_out

    def arg_opts(self, name: str, default: str, taken_names: set[str]) -> dict[str, Any]:
        options = super().arg_opts(name, default, taken_names)
        if letter := SHORT_FLAGS.get(name):
            options["names"].append(letter)
        return options

    def get_arguments(self, ignore_unknown_help: bool | None = None) -> list[Argument]:
        """As Invoke's, which removes each text from help on the first call; here help is kept for the next call."""
        texts = dict(self.help)
        try:
            return super().get_arguments(ignore_unknown_help)
        finally:
            self.help = texts


task = functools.partial(invoke.task, klass=ProjectTask, auto_shortflags=False)


class CommandLine(Program):
    """The project's tasks as a program.

    groups maps each heading of the task list to its tasks and collections.
    """

    namespace: Collection  # for a Program without tasks of its own it is None

    def __init__(self, namespace: Collection, *, root: Path, groups: Mapping[str, Sequence[str]], title: str) -> None:
        super().__init__(namespace=namespace, binary="./inv", name="inv", binary_names=["inv", "./inv", "invoke"])
        self.root = root
        self.groups = groups
        self.title = title

    def run(self, argv: list[str] | None = None, exit: bool = True) -> None:
        stop_on_signals()
        try:
            with readable_to_the_end():
                self._run(argv)
            code: int = ExitCode.OK
        except ParseError as error:
            print(f"Error: {self._wrong_call(error)}", file=sys.stderr)
            code = ExitCode.USAGE
        except (AmbiguousEnvVar, UncastableEnvVar, UnknownFileType, yaml.YAMLError) as error:
            print(f"Error: the settings cannot be read: {' '.join(str(error).split())}", file=sys.stderr)
            code = ExitCode.USAGE
        except Exit as error:
            if error.message:
                print(error.message, file=sys.stderr)
            code = error.code
        except KeyboardInterrupt:
            code = 128 + received_signal()
        if exit:
            sys.exit(code)

    def _run(self, argv: list[str] | None) -> None:
        self.normalize_argv(argv)
        self.create_config()
        self.collection = self.namespace
        self.parser = self._make_parser()
        wanted = self._help_wanted(self.argv[1:])
        if wanted is not None:
            self._print_help(wanted)
            return
        self.argv[1:] = self._with_empty_arguments(self.argv[1:])
        self.parse_core(self.argv)
        self.parse_collection()
        self.parse_tasks()
        self.parse_cleanup()
        self.update_config()
        self.execute()

    def parse_collection(self) -> None:
        super().parse_collection()
        self.config.set_project_location(str(self.root))
        self.config.load_project()

    def core_args(self) -> list[Argument]:
        """Invoke's own flags that are useful here; these tasks run no shell commands."""
        return [
            Argument(names=("config",), help="settings file to use in addition to invoke.yaml"),
            Argument(names=("debug",), kind=bool, default=False, help="print what Invoke does"),
            Argument(names=("list", "l"), kind=bool, default=False, help="list the tasks"),
            Argument(names=("list-format",), default="flat", help="flat, nested or json"),
            Argument(names=("list-depth",), default=0, kind=int, help="levels of the list"),
            Argument(names=("help", "h"), optional=True, help="show help"),
            Argument(names=("version", "V"), kind=bool, default=False, help="show the version"),
            Argument(names=("complete",), kind=bool, default=False, help="print candidates for completion"),
            Argument(names=("print-completion-script",), default="", help="for bash, zsh or fish"),
            Argument(names=("write-pyc",), kind=bool, default=False, help="keep compiled Python files"),
        ]

    def update_config(self, merge: bool = True) -> None:
        path = self.args.config.value or os.environ.get("INVOKE_RUNTIME_CONFIG")
        self.config.set_runtime_path(path)  # type: ignore[arg-type]  # Invoke itself passes text
        self.config.load_runtime(merge=merge)

    def print_version(self) -> None:
        project = tomllib.loads((self.root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        print(f"{project['name']} {project['version']}")

    def list_flat(self) -> None:
        self._print_overview()

    def no_tasks_given(self) -> None:
        self._print_overview()
        raise Exit

    def _with_empty_arguments(self, words: list[str]) -> list[str]:
        """The call with "" for an argument that it leaves out and may; Invoke has no such arguments."""
        place = next((place for place, word in enumerate(words) if word in self.parser.contexts), None)
        if place is None or not self.collection[words[place]].may_be_left_out:
            return words
        flags = self.parser.contexts[words[place]].flags
        rest = iter(words[place + 1 :])
        for word in rest:
            if word in flags and flags[word].takes_value:
                next(rest, None)
            elif word == "-" or not word.startswith("-"):
                return words
        return [*words[: place + 1], "", *words[place + 1 :]]

    def _help_wanted(self, words: list[str]) -> str | None:
        """Which help was requested: of a task, of a collection, "" for the overview; None if none was."""
        words = words[: words.index("--")] if "--" in words else words
        if not words:
            return ""
        names = [
            word.removeprefix("--help=") for word in words if not word.startswith("-") or word.startswith("--help=")
        ]
        if words[0] == "help":
            return words[1] if words[1:] else ""
        if not any(word in HELP or word.startswith("--help=") for word in words):
            return None
        return next(filter(self._is_known, names), names[0] if names else "")

    def _is_known(self, name: str) -> bool:
        return name in self.parser.contexts or any(self._below(name))

    def _below(self, collection: str) -> Iterator[str]:
        return (name for name in self._task_names() if name.startswith(f"{collection}."))

    def _task_names(self) -> list[str]:
        """The tasks by the names that users see."""
        return [_shown_name(context) for context in self.parser.contexts.values()]

    def _print_help(self, name: str) -> None:
        if not name:
            self._print_overview()
        elif name in self.parser.contexts:
            self.print_task_help(name)
        elif self._is_known(name):
            self._print_overview(name)
        else:
            raise ParseError(f"No idea what {name!r} is!", None)

    def _print_overview(self, collection: str = "") -> None:
        if not collection:
            print(_folded(f"{self.title} Usage: ./inv TASK [options]; ./inv help TASK explains a task."))
        names = self._task_names()
        rest = set(names)
        for heading, members in {**self.groups, "Other": names}.items():
            found = [
                name for member in members for name in names if name in rest and member in (name, name.split(".")[0])
            ]
            rest.difference_update(found)
            rows = [(name, _first_line(self.collection[name])) for name in found if name.startswith(collection)]
            if rows:
                print(f"\n{heading}")
                _print_rows(rows, width=max(map(len, names)))

    def print_task_help(self, name: str) -> None:
        context = self.parser.contexts[name]
        optional = self.collection[name].may_be_left_out
        values = [
            f"[{_placeholder(argument)}]" if argument.name in optional else _placeholder(argument)
            for argument in context.positional_args
        ]
        flags = [argument for argument in context.args.values() if argument not in context.positional_args]
        print(_folded(" ".join(["Usage: ./inv", _shown_name(context), *values, *(["[options]"] if flags else [])])))
        print(f"\n{_folded(inspect.getdoc(self.collection[name]) or '')}")
        if values:
            print("\nArguments")
            _print_rows([(_placeholder(argument), argument.help or "") for argument in context.positional_args])
        if flags:
            print("\nOptions")
            _print_rows([(_spelled(argument), argument.help or "") for argument in sorted(flags, key=lambda a: a.name)])

    def _wrong_call(self, error: ParseError) -> str:
        """What is wrong with the call, and the nearest right word, from the parser's error."""
        text, context = str(error), error.context
        task_name = _shown_name(context) if context else ""
        more = f"./inv help {task_name}".rstrip()
        if found := re.fullmatch(r"No idea what (.+) is!", text, re.DOTALL):
            word = ast.literal_eval(found[1])
            if word.startswith("-"):
                return self._unknown_flag(word, task_name)
            if below := list(self._below(word)):
                return f"{word} is a group of tasks: {', '.join(below)}."
            near = _nearest(word, self._task_names())
            if task_name and not near:
                return f"{task_name}: unexpected argument {word!r}. Quote a value that contains spaces. See {more}."
            return f"No task {word!r}.{near} Run ./inv help to list all tasks."
        if context and "did not receive required positional" in text:
            missing = " ".join(map(_placeholder, context.missing_positional_args))
            return f"{task_name} needs {missing}. Usage: ./inv {task_name} {missing}; see {more}."
        if found := re.match(r"Flag <Argument: ([\w-]+)", text):
            return f"--{found[1]} needs a value. See {more}."
        return text

    def _unknown_flag(self, word: str, task_name: str) -> str:
        if task_name:
            known = self.parser.contexts[task_name]
            near = _nearest(word, [*known.flags, *known.inverse_flags])
            return f"{task_name} has no option {word}.{near} Run ./inv help {task_name} to see its options."
        flags = {flag: name for name in reversed(self._task_names()) for flag in self.parser.contexts[name].flags}
        close = difflib.get_close_matches(word, flags, n=1, cutoff=0.75)
        example = f" Put a task's options after its name: ./inv {flags[close[0]]} {close[0]}." if close else ""
        return f"No option {word} before a task.{example} See ./inv help."


def _nearest(word: str, known: Sequence[str]) -> str:
    found = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f" Did you mean {found[0]}?" if found else ""


def _shown_name(context: ParserContext) -> str:
    """A task's name for users: a collection's default task has the collection's name."""
    return next(iter(context.aliases), context.name or "")


def _placeholder(argument: Argument) -> str:
    return argument.names[0].upper().replace("-", "_")


def _spelled(argument: Argument) -> str:
    """A flag as you type it: -d, --database DATABASE."""
    if argument.kind is bool and argument.default:
        return f"--no-{argument.names[0]}"
    flags = [*(f"-{name}" for name in argument.nicknames), f"--{argument.names[0]}"]
    return ", ".join(flags) + (f" {_placeholder(argument)}" if argument.takes_value else "")


def _first_line(task: Task[Callable[..., Any]]) -> str:
    return (inspect.getdoc(task) or "").split("\n")[0]


def _width() -> int:
    return min(shutil.get_terminal_size().columns, WIDEST)


def _folded(text: str, indent: str = "") -> str:
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    return "\n\n".join(
        textwrap.fill(text, _width(), initial_indent=indent, subsequent_indent=indent) for text in paragraphs
    )


def _print_rows(rows: list[tuple[str, str]], width: int = 0) -> None:
    """Print names with their help next to them, or below them if there is too little room."""
    column = width or min(max(len(name) for name, _ in rows), NAMES)
    for name, text in rows:
        beside = _folded(text, " " * (column + 4))
        if (_width() < NARROW and not width) or len(name) > column:
            print(f"  {name}")
            if text:
                print(_folded(text, " " * 6) if _width() < NARROW else beside)
        else:
            print(f"  {name:<{column}}{beside[column + 2 :]}".rstrip())
