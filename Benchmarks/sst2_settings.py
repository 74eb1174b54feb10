"""How both sides of `sst2.py` train; chosen before any result on the held-out rows was seen."""

BATCH = 32
RANK, ALPHA = 8, 16
TARGETS = ("query", "value")
RATE = 1e-3
#: Steps in which the rate rises.
WARMUP = 20
WEIGHT_DECAY = 0.01
NORM = 1.0
THREADS = 2
#: Steps that do not count for speed.
WARM_UP = 2
