"""Guest programs: assembler text under `bare`, and recipes for real kernels."""
