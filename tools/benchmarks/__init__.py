"""What tools/benchmark.py is made of: runs, sweeps, report, public (with reference), beside_rubix (with rubix_run)."""
