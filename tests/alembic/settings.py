"""What Alembic reads out of settings: a JSON object a line in, one out. `/here` stands for the folder."""

import json
import os
import sys
import tempfile
import warnings

from alembic.config import Config

warnings.simplefilter("ignore")


def read(asked, folder):
    config = Config("alembic.ini" if asked.get("ini") is not None else None, "pyproject.toml" if asked.get("toml") is not None else None, asked.get("section") or "alembic")
    location = config.get_alembic_option("script_location")
    if location is None:
        return None
    found = {
        "script_location": location,
        "version_locations": config.get_version_locations_list(),
        "recursive": config.get_alembic_boolean_option("recursive_version_locations"),
        "file_template": config.get_alembic_option("file_template", "%(rev)s_%(slug)s"),
        "prepend_sys_path": config.get_prepend_sys_paths_list() or [],
    }
    if not isinstance(location, str):
        return None
    return json.loads(json.dumps(found).replace(folder, "/here"))


for line in sys.stdin:
    asked = json.loads(line)
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.realpath(folder)
        os.chdir(folder)
        for name, kind in (("alembic.ini", "ini"), ("pyproject.toml", "toml")):
            if asked.get(kind) is not None:
                with open(name, "w") as file:
                    file.write(asked[kind])
        try:
            answer = read(asked, folder)
        except Exception as error:
            answer = None
        print(json.dumps(answer))
        os.chdir("/")
