"""Checks the types of what users read and type, by mypy and by pyright.

The code of README.md, of docs/*.md and of notebooks/*.ipynb must pass both, page by page; in
``tests/typing/wrong_calls.py`` both must report every line that says ``# wrong``, and no other.

Run ``python tools/check_types.py``; the exit code is 1 where a checker says otherwise.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WRONG = ROOT / "tests" / "typing" / "wrong_calls.py"

Found = dict[tuple[str, int], str]
"""What a checker says, by file and line."""


def pages() -> Iterator[tuple[str, str]]:
    """Name and Python source of every page; a line stands where it does on the page."""
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        yield page.relative_to(ROOT).as_posix(), code_of(page.read_text("utf-8"))
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(notebook.read_text("utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        text = "\n\n".join(sources)
        # magics and shell commands are the notebook's, not Python's
        source = re.sub(r"^(\s*)[%!].*$", r"\1pass", text, flags=re.MULTILINE)
        yield notebook.relative_to(ROOT).as_posix(), source


def code_of(page: str) -> str:
    """The Python blocks of a page, every other line left empty."""
    lines, inside = [], False
    for line in page.splitlines():
        fence = line.startswith("```")
        lines.append(line if inside and not fence else "")
        inside = line.startswith("```python") if fence else inside
    return "\n".join(lines) + "\n"


def mypy(files: list[Path]) -> Found:
    """What mypy reports."""
    command = [sys.executable, "-m", "mypy", "--follow-imports=silent", "--no-error-summary"]
    # a page uses a name again for something else
    command += ["--allow-redefinition", "--local-partial-types"]
    options = ["--show-error-codes", "--no-pretty", f"--cache-dir={ROOT / '.cache' / 'mypy'}"]
    done = subprocess.run(
        [*command, *options, *map(str, files)], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode not in (0, 1):
        sys.exit(f"mypy failed:\n{done.stdout}{done.stderr}")
    found = re.findall(r"^(.+?):(\d+): error: (.*)$", done.stdout, re.MULTILINE)
    return {(Path(file).stem, int(line)): text for file, line, text in found}


def pyright(files: list[Path]) -> Found:
    """What pyright reports."""
    settings = {
        "include": [file.name for file in files],
        "extraPaths": [str(ROOT)],
        "typeCheckingMode": "standard",
        # what a loop binds is bound, and cells may use a name again
        "reportPossiblyUnboundVariable": "none",
        "reportRedeclaration": "none",
    }
    config = files[0].parent / "pyrightconfig.json"
    config.write_text(json.dumps(settings), encoding="utf-8")
    command = [sys.executable, "-m", "pyright", "--outputjson", "--level", "error"]
    done = subprocess.run(
        [*command, "--pythonpath", sys.executable, "--project", str(config)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if done.returncode not in (0, 1):
        sys.exit(f"pyright failed:\n{done.stdout}{done.stderr}")
    said = json.loads(done.stdout)["generalDiagnostics"]
    return {
        (Path(one["file"]).stem, one["range"]["start"]["line"] + 1): one["message"] for one in said
    }


def main() -> int:
    """Runs both checkers; returns the exit code."""
    with tempfile.TemporaryDirectory() as folder:
        names, files = {}, []
        for name, source in pages():
            file = Path(folder) / f"page_{len(files)}.py"
            file.write_text(source, encoding="utf-8")
            names[file.stem] = name
            files.append(file)
        files.append(Path(shutil.copy(WRONG, folder)))
        wrong = {
            (WRONG.stem, number)
            for number, line in enumerate(WRONG.read_text("utf-8").splitlines(), 1)
            if line.endswith("# wrong")
        }
        bad = 0
        for checker in (mypy, pyright):
            said = checker(files)
            for (stem, line), text in sorted(said.items()):
                if (stem, line) not in wrong:
                    bad += 1
                    place = names.get(stem, WRONG.relative_to(ROOT).as_posix())
                    print(f"{place}:{line}: {checker.__name__}: {text}")
            for _, line in sorted(wrong - set(said)):
                bad += 1
                print(f"tests/typing/wrong_calls.py:{line}: {checker.__name__} sees nothing wrong")
    print(f"{len(names)} pages and {len(wrong)} wrong calls: {bad or 'no'} surprises")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
