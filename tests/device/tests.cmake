tessera_test(device/tasks)
tessera_test(device/host)
tessera_test(device/validator)
