import os
import sys

for i in range(3):
    if i == 2:
        return {"i": i, "platform": sys.platform, "path": os.path.join("a", "b")}
