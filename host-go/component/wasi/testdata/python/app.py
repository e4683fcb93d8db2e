import json
import os
import random
import sys
import time

import wit_world
from componentize_py_types import Err


class WitWorld(wit_world.WitWorld):
    def report(self, dir: str) -> str:
        try:
            return json.dumps(self.work(dir), sort_keys=True)
        except Exception as e:
            raise Err(f"{type(e).__name__}: {e}")

    def work(self, dir: str) -> dict:
        os.makedirs(f"{dir}/a/b", exist_ok=True)
        with open(f"{dir}/a/file", "w") as f:
            f.write("hällo\n" * 1000)
        with open(f"{dir}/a/file") as f:
            lines = f.readlines()
        os.rename(f"{dir}/a/file", f"{dir}/a/b/moved")
        os.symlink("b/moved", f"{dir}/a/link")
        found = sorted(os.path.join(path, name) for path, _, names in os.walk(dir) for name in names)
        try:
            open(f"{dir}/../outside")
            escaped = True
        except OSError as e:
            escaped = type(e).__name__
        start = time.monotonic()
        time.sleep(0.01)
        print("printed by Python")
        return {
            "lines": len(lines),
            "first": lines[0],
            "size": os.stat(f"{dir}/a/link").st_size,
            "found": found,
            "escaped": escaped,
            "env": os.environ.get("NAME"),
            "slept": time.monotonic() - start >= 0.01,
            "year": time.gmtime().tm_year,
            "random": len({random.SystemRandom().random() for _ in range(3)}),
            "python": sys.version_info[0],
        }
