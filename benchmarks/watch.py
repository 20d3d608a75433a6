"""Run a command, and write how much memory the largest of its processes took: ``watch.py PEAK.txt COMMAND...``.

A process of its own does this, as small as can be: Linux counts for a process what its parent had when it was started.
"""

import resource
import subprocess
import sys

if __name__ == "__main__":
    code = subprocess.call(sys.argv[2:])
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        file.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
    sys.exit(code if code >= 0 else 128 - code)
