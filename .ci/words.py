"""The word list of the style step: forms that do not belong into pages, docstrings, messages and help.

`python .ci/words.py` prints each place of a form with the reason why it is listed, and ends with status 1 if there are any.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent

# A form, and what to write instead.
FORMS = {
    # The actor comes first.
    r"(?:^|[.:?] )(?:What|Which|That|Whoever|Whatever|Of an?|Of the|Where) (?:is|are|was|were|has|have|follows|remains|came|comes|"
    r"does|lies|stands|failed|runs?)\b(?![^.]*\?)": "name the actor first",
    r"^(?:What|Which) (?![^.]*\?)": "name the thing first",
    r"\bWhoever\b": "name the actor first",
    # Software reports, warns, raises, prints.
    r"\b(?:is|are|was|were|be|been) (?:said|told|warned of|asked of|spoken of)\b": "say who reports, warns or requests",
    r"\b(?:says?|said|tells?|told) so\b": "reports, warns",
    r"\b(?:it|they|which|that|coma_xr|run|report|page|error|warning|message|file|files|name|names|coma_xr|summary) (?:tells?|says?)\b": "reports, lists, states",
    r"\bshows? (?:itself|themselves)\b": "is displayed",
    r"\btaken for\b": "treats as, counts as",
    r"\bpass(?:es|ed)? over\b": "skips",
    # Things exist, are available, are stored.
    r"\b(?:is|are|was|were) (?:not )?there(?=[.,;:)]|$| (?:already|now|is|are|and|at)\b)": "exists, is available, is stored",
    r"\bThere (?:is|are): ": "Available:",
    # Archaic or translated forms.
    r"\bshall\b": "should, must, will",
    r"\b(?:of|for|to|by|with|in|at|from) (?:which|whom)(?=,|;|\.| (?:there is|there are|no|its|their|the last)\b)": "a sentence of its own",
    r"\bof which\b": "whose, or a sentence of its own",
    r"\bof (?:our|its|their|your) own (?:is|are)\b": "its own ...",
    r"\bof (?:our|ours)\b": "coma_xr's",
    r"\bone that has\b": "name the thing",
    r"\bin silence\b": "silently",
    r"\bat once\b": "immediately, at the same time",
    r"\bfor ever\b": "always, permanently",
    r"\b(?:not|nothing|none|no|all) but (?:for|of)\b": "except",
    r"\bbut for\b": "except",
    r"\b(?:so|that) often\b": "this many times",
    r"\bbeside\b": "next to, in addition to",
    r"\b(?:a|one|each|any|which) text\b(?! (?:archive|file|form|editor))": "a string",
    r"\btexts\b": "strings, messages",
    r"\bwhole numbers?\b": "integer",
    r"\bso many\b": "this many",
    r"\bby itself\b": "automatically, alone",
    r"\bin order that\b": "so that",
    r"\blacking\b": "is missing",
    r"\bwhereof\b|\bthereof\b|\bhereby\b|\bwherein\b|\bthereby\b": "plain words",
    r"\bforeign\b": "other, external",
    # One voice.
    r"\b[Ww]e\b|\b[Oo]urs?\b|\bourselves\b": "you, coma_xr",
}
PATTERN = {re.compile(form): advice for form, advice in FORMS.items()}

# A place and a passage that stays, with the reason.
EXCEPTIONS = {
    ("coma_xr/store/upkeep.py", "beside"): "a kind of finding, which is public",
}

PAGES = ("docs/*.md", "*.md", "gallery/*.py", "gallery/*.rst", "docs/cluster/*.py")
FENCE = re.compile(r"^(`{3,}|:{3,})[^\n]*\n.*?^\1`*\s*$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`[^`\n]+`|``[^`]+``|\{[a-z:]+\}`[^`]+`|<!--.*?-->|\]\([^)]*\)")


def blanked(text: str, pattern: re.Pattern[str]) -> str:
    """Return a text in which what matches is replaced by dots, line by line."""
    return pattern.sub(lambda match: re.sub(r"[^\n]", "·", match[0]), text)


def prose_of_page(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of a page without front matter, code and links."""
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        yield from prose_of_module(path)
        yield from comments_of_gallery(text)
        return
    text = re.sub(r"\A---\n.*?\n---\n", lambda match: "\n" * match[0].count("\n"), text, flags=re.DOTALL)
    yield from enumerate(
        blanked(blanked(text, re.compile(r"^```.*?^```\s*$", re.DOTALL | re.MULTILINE)), CODE).splitlines(), 1
    )


def comments_of_gallery(text: str) -> Iterator[tuple[int, str]]:
    """Yield the comments of a gallery script, which are the text of its page."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("# "):
            yield number, blanked(line[2:], CODE)


def prose_of_module(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the lines of all docstrings and of strings with several words: messages, help and labels."""
    tree = ast.parse(path.read_text("utf-8"))
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "·" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            text = node.value
        else:
            continue
        if " " in text.strip():
            text = re.sub(r"^ *(>>>|\.\.\. ).*$", "", text, flags=re.MULTILINE)
            for offset, line in enumerate(blanked(text, CODE).splitlines()):
                yield node.lineno + offset, line


def hits() -> Iterator[tuple[str, int, str, str]]:
    """Yield the file, line, passage and advice of each form that is found."""
    pages = [path for pattern in PAGES for path in sorted(ROOT.glob(pattern))]
    sources = [(path, prose_of_page) for path in pages]
    sources += [(path, prose_of_module) for path in sorted(ROOT.glob("coma_xr/**/*.py"))]
    for path, prose in sources:
        name = str(path.relative_to(ROOT))
        for number, line in prose(path):
            for pattern, advice in PATTERN.items():
                for match in pattern.finditer(line):
                    if not any(place == name and passage in line for place, passage in EXCEPTIONS):
                        yield (
                            name,
                            number,
                            f"...{line[max(0, match.start() - 40) : match.end() + 30].strip()}...",
                            advice,
                        )


def main() -> int:
    """Print all hits and return the exit status."""
    count = 0
    for name, number, passage, advice in hits():
        count += 1
        print(f"{name}:{number}: {passage} -> {advice}")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
