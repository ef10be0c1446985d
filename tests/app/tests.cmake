tessera_test(app/cli TIMEOUT 300)
tessera_test(app/cli_errors TIMEOUT 300)
tessera_test(app/memory TIMEOUT 300 LABELS slow)
tessera_test(app/no_gpu TIMEOUT 300)
