"""Makes the goldens of training: tiny bases, adapters to begin with, and what PyTorch computes with them in float64."""
