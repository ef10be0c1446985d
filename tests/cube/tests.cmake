tessera_test(cube/grid)
tessera_test(cube/reduce RANKS 1 2 3 4)
tessera_test(cube/device_cube RANKS 1 2 3 4 LABELS gpu)
