tessera_test(ssp/interpolation)
