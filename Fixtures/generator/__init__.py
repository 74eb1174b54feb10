"""Makes the fixtures: tiny bases, one adapter per method and case, and what PEFT computes with them."""

from pathlib import Path

FIXTURES = Path(__file__).resolve().parent.parent
BASES = FIXTURES / "bases"
ADAPTERS = FIXTURES / "peft"
EXPECTED = FIXTURES / "expected"
MERGED = FIXTURES / "merged"
