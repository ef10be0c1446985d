tessera_test(comm/communicator RANKS 1 2 3 4)
tessera_test(comm/device_buffers RANKS 1 2 3 4 LABELS gpu)
tessera_test(comm/launcher)
tessera_test(comm/nccl RANKS 1 2 LABELS gpu)
