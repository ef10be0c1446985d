#include "tessera/device/tasks.hpp"

#include <exception>
#include <memory>
#include <utility>

#include <omp.h>

namespace tessera::device {

void Tasks::start(std::int64_t n, std::function<void(std::int64_t)> body) {
    const auto shared = std::make_shared<const std::function<void(std::int64_t)>>(std::move(body));
    for (std::int64_t i = 0; i < n; ++i) {
#pragma omp task firstprivate(shared, i)
        (*shared)(i);
    }
}

void Tasks::wait() {
#pragma omp taskwait
}

void with_tasks(const Host& where, const std::function<void(Tasks&)>& main) {
    std::exception_ptr failure; // must not leave a parallel region, nor before the tasks that look at its variables
    const auto run = [&] {
        Tasks tasks;
        try {
            main(tasks);
        } catch (...) { failure = std::current_exception(); }
        tasks.wait();
    };
    if (where.threads == 1 || omp_in_parallel() != 0) {
        run();
    } else {
#pragma omp parallel num_threads(where.threads)
#pragma omp master
        run();
    }
    if (failure) { std::rethrow_exception(failure); }
}

} // namespace tessera::device
