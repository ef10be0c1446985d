tessera_test(ssp/interpolation)
tessera_test(ssp/library RANKS 1 2)
