tessera_test(pipeline/rubix_reference RANKS 1 2 3 4 LABELS reference)
tessera_test(pipeline/conservation RANKS 1 2 3 4)
tessera_test(pipeline/ranks RANKS 1 2 3 4)
tessera_test(pipeline/rubix_probes RANKS 1 3)
