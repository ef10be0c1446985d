tessera_test(output/plot)
tessera_test(output/quicklook)
tessera_test(output/cube_file RANKS 1 2 3 4)
