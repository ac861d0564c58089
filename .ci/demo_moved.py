"""Exits with 0 if, in what `videocli demo` wrote without a terminal, the bot's video kept coming."""

import re
import sys
from itertools import pairwise
from pathlib import Path

COUNT = re.compile(r"video track .*?\bof bot\b.*? received .*?(\d+) packets")

text = Path(sys.argv[1]).read_text(encoding="utf-8")
counts = [int(count) for line in text.splitlines() for count in COUNT.findall(line)]
if len(counts) < 3 or any(later <= sooner for sooner, later in pairwise(counts)):
    sys.exit(f"the demo showed no moving video: packets of the bot's video, as they were counted: {counts}")
print(f"the bot's video moved: {counts[0]} to {counts[-1]} packets in {len(counts)} counts")
