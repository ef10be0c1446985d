tessera_test(io/hdf5 RANKS 1 2 3 4)
tessera_test(io/fits)
tessera_test(io/fits_writer RANKS 1 2 3 4)
tessera_test(io/hdf5_packed)
