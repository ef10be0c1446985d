tessera_test(scaling/statistics)
tessera_test(scaling/model RANKS 1 2 3 4)
tessera_test(scaling/study RANKS 2 3 4)
