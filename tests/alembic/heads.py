"""What Alembic's own ScriptDirectory makes of real histories: a JSON object a line in, one out.

The revision files are not imported, since that would take the whole application: their ids are read with `ast`, and the
rest is Alembic's.
"""

import ast
import json
import pathlib
import sys
import types
import warnings

from alembic import util
from alembic.script import ScriptDirectory

warnings.simplefilter("ignore")
NAMES = ("revision", "down_revision", "branch_labels", "depends_on")


def load(folder, name):
    module = types.ModuleType(name)
    for statement in ast.parse((pathlib.Path(folder) / name).read_text()).body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        if isinstance(targets[0], ast.Name) and targets[0].id in NAMES and getattr(statement, "value", None) is not None:
            setattr(module, targets[0].id, ast.literal_eval(statement.value))
    return module


util.load_python_file = load

for line in sys.stdin:
    asked = json.loads(line)
    scripts = ScriptDirectory(asked["script_folder"], version_locations=asked["version_folders"])
    order = [revision.revision for revision in scripts.walk_revisions()]
    answer = {"heads": list(scripts.get_heads()), "bases": list(scripts.get_bases()), "newest_first": order}
    print(json.dumps(answer))
