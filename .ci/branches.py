"""Lists the modules with less than 90 % of their branches reached by tests that ran with ``pytest --cov``; fails if there are any."""

import json
import sys
import tempfile
from pathlib import Path

from coverage import Coverage

LEAST = 90

coverage = Coverage()
coverage.load()
with tempfile.TemporaryDirectory() as directory:
    report = Path(directory, "coverage.json")
    coverage.json_report(outfile=str(report))
    modules = json.loads(report.read_text("utf-8"))["files"]

below = 0
for name, module in sorted(modules.items()):
    all_branches, covered = (module["summary"][key] for key in ("num_branches", "covered_branches"))
    if covered < LEAST / 100 * all_branches:
        below += 1
        lines = ", ".join(f"{a}->{'exit' if b < 0 else b}" for a, b in module["missing_branches"][:8])
        print(f"{name}: {covered} of {all_branches} branches ({covered / all_branches:.0%}), without {lines}")
print(f"{below} of {len(modules)} modules are below {LEAST} %.")
sys.exit(below > 0)
