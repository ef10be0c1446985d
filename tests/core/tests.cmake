tessera_test(core/options)
tessera_test(core/layers)
tessera_test(core/random)
tessera_test(core/hash)
