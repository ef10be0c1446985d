tessera_test(catalog/expression)
tessera_test(catalog/journal)
tessera_test(catalog/selection)
tessera_test(catalog/run RANKS 1 2 3 4)
