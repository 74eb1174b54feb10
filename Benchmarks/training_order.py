"""The order in which `tenon train` takes rows, as `Spec/data.md` has it, for peers that are to see the same batches."""

MASK = (1 << 64) - 1
GAMMA = 0x9E3779B97F4A7C15


def mixed(number: int) -> int:
    """SplitMix64's finalizer, its increment before."""
    number = (number + GAMMA) & MASK
    number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    number = (number ^ (number >> 27)) * 0x94D049BB133111EB & MASK
    return number ^ (number >> 31)


def fnv1a(text: str) -> int:
    """The hash of 64 bits."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 & MASK
    return value


def epoch_rows(count: int, epoch: int, seed: int) -> list[int]:
    """The numbers of all rows, in the order of an epoch."""
    key = mixed(fnv1a(f"rows of epoch {epoch}") ^ mixed(seed))

    def drawn(place: int) -> int:
        return mixed((key + place * GAMMA) & MASK) >> 40

    return sorted(range(count), key=lambda row: (drawn(2 * row) << 24 | drawn(2 * row + 1), row))


def batches(count: int, size: int, steps: int, seed: int) -> list[list[int]]:
    """The rows of each of so many batches."""
    found: list[list[int]] = []
    epoch = 0
    while len(found) < steps:
        rows = epoch_rows(count, epoch, seed)
        found += [rows[start : start + size] for start in range(0, count, size)]
        epoch += 1
    return found[:steps]
