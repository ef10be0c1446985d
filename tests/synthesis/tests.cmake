tessera_test(synthesis/exact)
