#!/usr/bin/env python3
"""Form of the knowledge base: every document `knowledge/<id>.md` is checked, every fault named, exit status 1 on any.

usage: check_knowledge.py [FOLDER] [--cites FOLDER ...]     FOLDER: default `knowledge` beside `tests`
       check_knowledge.py --form                            print the form of a document

--cites: `document#section` in quotes or backticks in *.rs below these folders must resolve, in documents that exist.
The ids of the claims in `knowledge_*.json` beside this script must resolve, in documents that exist.
Python 3.11 or newer, no packages.
"""
import json, re, sys, tomllib
from pathlib import Path

FORM = """\
+++
title = "Lock queue, lock_timeout and retries"
dialects = ["postgresql"]                 # postgresql mysql mariadb sqlite sqlserver oracle any
phases = ["PLAN", "REVIEW_SQL"]           # PLAN GENERATE REVIEW_SQL TEST_ROLLBACK APPLY COMPLETE
versions = "PostgreSQL 12 – 18"           # what the document holds for
verified_with = ["PostgreSQL 15.18"]      # only what was run; may be empty
sources = ["PostgreSQL 18 manual, 13.3 Explicit Locking"]
tags = ["lock_timeout"]                   # few
everyday = "site hangs stuck"             # what people say who do not know these words: words, no questions
errors = ["55P03"]                        # SQLSTATEs, error numbers, fixed parts of messages
+++
# Lock queue, lock_timeout and retries

## Why a short ALTER TABLE blocks every query {#queue}
<!-- sources: …; errors: …; versions: …; verified_with: … -->     (optional, each part optional, items split by ` | `)
60 to 250 words, the answer in the first sentence. No question as first sentence, no heading below `##`.
"""

FIELDS = {"title": str, "dialects": list, "phases": list, "versions": str, "verified_with": list, "sources": list, "tags": list, "everyday": str, "errors": list}
DIALECTS = {"postgresql", "mysql", "mariadb", "sqlite", "mssql", "oracle", "any"}
PHASES = {"PLAN", "GENERATE", "REVIEW_SQL", "TEST_ROLLBACK", "APPLY", "COMPLETE"}
OVERRIDES = {"sources", "errors", "versions", "verified_with"}
HEADING = re.compile(r"^## (?P<title>.+?) \{#(?P<slug>[a-z0-9]+(?:-[a-z0-9]+)*)\}$")
WORDS = range(60, 251)
SECTIONS = range(3, 9)
CITE = re.compile(r"[\"`](?P<document>[a-z0-9]+(?:-[a-z0-9]+)*)#(?P<section>[a-z0-9-]+)[\"`]")


def front_matter(text):
    """The table between the two `+++` lines and the text behind it."""
    if not text.startswith("+++\n") or "\n+++\n" not in text[4:]:
        raise ValueError("no front matter between two `+++` lines")
    head, body = text[4:].split("\n+++\n", 1)
    return tomllib.loads(head + "\n"), body


def sections(body):
    """(title, slug, overrides, text) of each `## ` section, the text before the first one as title None."""
    found, title, slug, lines, code = [], None, None, [], False
    for line in body.splitlines() + ["## end {#end}"]:
        code ^= line.startswith("```")
        if line.startswith("## ") and not code:
            found.append((title, slug, *overrides(lines)))
            heading = HEADING.match(line)
            title, slug, lines = (heading["title"], heading["slug"], []) if heading else (line[3:], None, [])
        else:
            lines.append(line)
    return found


def overrides(lines):
    """The comment under a heading as a table, and the text without it."""
    text = "\n".join(lines).strip()
    comment = re.match(r"<!--\s*(.*?)\s*-->\s*", text, re.S)
    if not comment:
        return {}, text
    pairs = (part.split(":", 1) for part in re.split(r";\s+(?=[a-z_]+:)", comment[1]))
    return {pair[0].strip(): pair[-1].strip() for pair in pairs}, text[comment.end():]


def first_sentence(text):
    plain = re.split(r"\n\s*\n|\n```|\n\||\n[-*] ", text, maxsplit=1)[0]
    return re.split(r"(?<=[.?!:])\s", " ".join(plain.split()), maxsplit=1)[0]


def section_faults(document, title, slug, over, text):
    if slug is None:
        yield f"heading `{title}` has no `{{#slug}}` in lower case with dashes"
    words = len(text.split())
    if words not in WORDS:
        yield f"#{slug}: {words} words, not {WORDS.start} to {WORDS.stop - 1}"
    first = first_sentence(text)
    if not first or first.startswith(("```", "|", "- ", "* ", "#", "<!--")):
        yield f"#{slug}: starts with something else than a sentence"
    if first.endswith("?"):
        yield f"#{slug}: first sentence asks instead of answering"
    if len(first.split()) > 60:
        yield f"#{slug}: first sentence has {len(first.split())} words"
    if re.search(r"^#{1,6} ", re.sub(r"```.*?```", "", text, flags=re.S), re.M):
        yield f"#{slug}: a heading inside of the section"
    if text.count("```") % 2:
        yield f"#{slug}: code block without end"
    if "<!--" in text:
        yield f"#{slug}: comment that is not directly under the heading"
    for name, value in over.items():
        if name not in OVERRIDES or not value:
            yield f"#{slug}: override `{name}` is unknown or empty"
    if not (over.get("sources") or document.get("sources")):
        yield f"#{slug}: no source"


def faults(path):
    try:
        document, body = front_matter(path.read_text(encoding="utf-8"))
    except (ValueError, tomllib.TOMLDecodeError) as error:
        yield f"front matter: {error}"
        return
    for name, kind in FIELDS.items():
        if not isinstance(document.get(name), kind):
            yield f"front matter: `{name}` missing or not a {kind.__name__}"
        elif kind is list and not all(isinstance(item, str) and item.strip() for item in document[name]):
            yield f"front matter: `{name}` holds something else than text"
    for name in document.keys() - FIELDS.keys():
        yield f"front matter: `{name}` is not known"
    for name, known in (("dialects", DIALECTS), ("phases", PHASES)):
        wrong = set(document.get(name) or ["nothing"]) - known
        if wrong:
            yield f"front matter: {name} {sorted(wrong)} not among {sorted(known)}"
    if not str(document.get("versions", "")).strip():
        yield "front matter: `versions` is empty"
    (_, _, _, opening), *parts = sections(body)
    if not re.fullmatch(r"# \S.*", opening):
        yield "the text before the first section is not exactly one `# Title` line"
    elif opening[2:].strip() != document.get("title"):
        yield f"`{opening}` differs from the title `{document.get('title')}`"
    if len(parts) not in SECTIONS:
        yield f"{len(parts)} sections, not {SECTIONS.start} to {SECTIONS.stop - 1}"
    slugs = [slug for _, slug, _, _ in parts]
    for slug in sorted({slug for slug in slugs if slug and slugs.count(slug) > 1}):
        yield f"#{slug}: twice"
    for title, slug, over, text in parts:
        yield from section_faults(document, title, slug, over, text)


def main(arguments):
    if "--form" in arguments:
        print(FORM, end="")
        return 0
    cut = arguments.index("--cites") if "--cites" in arguments else len(arguments)
    folder = Path(arguments[0]) if cut else Path(__file__).resolve().parents[2] / "knowledge"
    paths = sorted(path for path in folder.glob("*.md") if path.name != "README.md")
    if not paths:
        print(f"no documents in {folder}")
        return 1
    wrong, known, words = 0, {}, 0
    for path in paths:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", path.stem):
            wrong += 1
            print(f"{path.name}: the name is not lower case words with dashes")
        for fault in faults(path):
            wrong += 1
            print(f"{path.name}: {fault}")
        parts = sections(path.read_text(encoding="utf-8"))[1:]
        known[path.stem] = {slug for _, slug, _, _ in parts}
        words += sum(len(text.split()) for *_, text in parts)
    sources = [path for root in arguments[cut + 1:] for path in sorted(Path(root).rglob("*.rs"))] + paths
    for path in sources:
        for cite in CITE.finditer(path.read_text(encoding="utf-8")):
            document, section = cite["document"], cite["section"]
            if document in known and section not in known[document]:
                wrong += 1
                print(f"{path}: `{document}#{section}` does not resolve")
    for path in sorted(Path(__file__).resolve().parent.glob("knowledge_*.json")):
        for claim in json.loads(path.read_text(encoding="utf-8")).get("claims", []):
            document, section = claim["id"].split("#")
            if document in known and section not in known[document]:
                wrong += 1
                print(f"{path.name}: `{claim['id']}` does not resolve: {claim['claim']}")
    print(f"{len(paths)} documents, {sum(map(len, known.values()))} sections, {words} words, {wrong} faults")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
