tessera_test(view/options)
tessera_test(view/matrix)
tessera_test(view/order_statistics RANKS 1 2 3 4)
