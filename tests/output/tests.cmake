tessera_test(output/plot)
tessera_test(output/quicklook)
