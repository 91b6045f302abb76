"""Random chains with what Alembic itself makes of them, one JSON object a line: `graphs.py SEED COUNT`."""

import json
import random
import signal
import sys
import warnings

from alembic.script.revision import Revision, RevisionError, RevisionMap

warnings.simplefilter("ignore")


def name(rng, names):
    while True:
        length = rng.choice([2, 3, 4, 6, 12, 12, 12])
        head = rng.choice(["", "", "ab12", "c0"])
        found = (head + "".join(rng.choice("0123456789abcdef") for _ in range(length)))[: max(length, len(head) + 1)]
        if found not in names:
            return found


def chain(rng):
    """Revisions as Alembic reads them, and in a third of the chains something wrong."""
    found, names, labels = [], [], []
    for n in range(rng.randint(1, 14)):
        parents = rng.sample(names, min(len(names), rng.choice([0, 1, 1, 1, 1, 1, 2, 2, 3]))) if rng.random() > 0.1 else []
        if rng.random() < 0.4 and names and len(parents) == 1:
            parents = [names[-1]]
        revision = {"id": name(rng, names), "parents": parents, "labels": [], "depends_on": []}
        if rng.random() < 0.2:
            revision["labels"] = [f"branch{n}"]
        if rng.random() < 0.2 and names:
            revision["depends_on"] = rng.sample(names + labels, min(len(names + labels), rng.choice([1, 1, 2])))
        names.append(revision["id"])
        labels += revision["labels"]
        found.append(revision)
    if rng.random() < 0.2:
        victim = rng.choice(found)
        wrong = rng.choice(["cycle", "missing", "dependency"])
        if wrong == "cycle":
            victim["parents"] = [found[-1]["id"]]
        elif wrong == "missing":
            victim["parents"] = ["deadbeef0000"]
        else:
            victim["depends_on"] = [found[-1]["id"]]
    rng.shuffle(found)
    return found


def loaded(revisions):
    one = lambda values: tuple(values) if len(values) > 1 else (values[0] if values else None)
    return RevisionMap(lambda: [Revision(r["id"], one(r["parents"]), one(r["depends_on"]), one(r["labels"])) for r in revisions])


def ids(revisions):
    """`-3` in a chain of two gives None, and commands then go on with no revision at all: that is no answer."""
    return [r.revision for r in revisions if r != "base"]


def one(revision):
    return [] if revision is None else [revision.revision]


class Endless(Exception):
    pass


def stop(*_):
    raise Endless


signal.signal(signal.SIGVTALRM, stop)


def asked(question):
    """The answer, None when Alembic refuses, and nothing at all when it dies of something it does not know, or never ends:
    its sort goes round in circles where one parent of a merge comes before another."""
    signal.setitimer(signal.ITIMER_VIRTUAL, 1)
    try:
        return {"answer": question()}
    except RevisionError:
        return {"answer": None}
    except Exception:
        return None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def spoken(rng, revisions, labels):
    every = [r["id"] for r in revisions]
    revision, label = rng.choice(every), rng.choice(labels or ["nobranch"])
    count = rng.randint(1, 3)
    return rng.choice(
        [
            revision,
            revision[: rng.randint(1, len(revision))],
            "head",
            "heads",
            "base",
            label,
            f"{label}@head",
            f"{label}@heads",
            f"{label}@base",
            f"{label}@{revision}",
            f"{revision}@head",
            f"+{count}",
            f"-{count}",
            f"{revision}+{count}",
            f"{revision}-{count}",
            f"{label}@+{count}",
            f"{label}@-{count}",
            f"{label}@{revision}+{count}",
            f"{label}@{revision}-{count}",
            "feedc0de",
        ]
    )


def tips(chain, rng, revisions):
    """What a version table could hold: the last ones of some revisions with all that they need."""
    chosen = chain.get_revisions([r["id"] for r in rng.sample(revisions, rng.randint(0, min(3, len(revisions))))])
    below = set(chain._get_ancestor_nodes(list(chosen)))
    needed = {name for r in below for name in r._all_down_revisions}
    return [r["id"] for r in revisions if any(b.revision == r["id"] for b in below) and r["id"] not in needed]


def main(seed, count):
    for n in range(count):
        rng = random.Random(f"{seed}-{n}")
        revisions = chain(rng)
        out = {"revisions": revisions, "broken": False, "questions": []}
        try:
            chain_map = loaded(revisions)
            out["heads"], out["bases"] = list(chain_map.heads), list(chain_map.bases)
            out["real_heads"] = list(chain_map._real_heads)
        except Exception:
            out["broken"] = True
            print(json.dumps(out))
            continue
        out["branch_points"] = sorted(r["id"] for r in revisions if chain_map.get_revision(r["id"]).is_branch_point)
        labels = [label for r in revisions for label in r["labels"]]
        for _ in range(20):
            name = spoken(rng, revisions, labels)
            current = tips(chain_map, rng, revisions)
            kind = rng.choice(["resolve", "one", "upgrade", "upgrade", "downgrade", "downgrade"])
            questions = {
                "resolve": lambda: ids(chain_map.get_revisions(name)),
                "one": lambda: one(chain_map.get_revision(name)),
                "upgrade": lambda: ids(reversed(list(chain_map.iterate_revisions(name, tuple(current), implicit_base=True)))),
                "downgrade": lambda: ids(chain_map.iterate_revisions(tuple(current), name, select_for_downgrade=True)),
            }
            answer = asked(questions[kind])
            if answer is not None:
                out["questions"].append({"kind": kind, "from": current, "name": name, **answer})
        print(json.dumps(out))


main(sys.argv[1], int(sys.argv[2]))
