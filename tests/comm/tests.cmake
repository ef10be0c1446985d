tessera_test(comm/communicator RANKS 1 2 3 4)
tessera_test(comm/launcher)
