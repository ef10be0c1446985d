tessera_test(cosmology/cosmology)
