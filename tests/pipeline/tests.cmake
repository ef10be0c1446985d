tessera_test(pipeline/rubix_reference RANKS 1 2 3 4 LABELS reference)
